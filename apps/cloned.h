#pragma once
#include <memory>
#include <utility>

namespace minissl {

/// A value of a class derived from T, copied by T::clone().
template <class T>
class Cloned {
 public:
  Cloned() = default;
  Cloned(std::unique_ptr<T> value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Cloned(const Cloned& other) : value_(other.value_ ? other.value_->clone() : nullptr) {}
  Cloned(Cloned&&) noexcept = default;
  Cloned& operator=(Cloned other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Cloned() = default;

  T& operator*() const { return *value_; }
  T* operator->() const { return value_.get(); }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace minissl
