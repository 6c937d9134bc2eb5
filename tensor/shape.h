#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "tensor/error.h"

namespace minissl {

/// The extents of a tensor, outermost first; at most six. Images are (N, H, W, C), convolution weights (O, H, W, I).
class Shape {
 public:
  static constexpr int max_rank = 6;

  Shape() = default;
  Shape(std::initializer_list<int64_t> extents) : Shape(extents.begin(), extents.end()) {}
  template <class Iterator>
  Shape(Iterator begin, Iterator end) {
    for (; begin != end; ++begin) {
      require(rank_ < max_rank, "a shape has at most {} dimensions", max_rank);
      require(*begin >= 0, "a shape's extents can't be negative: {}", *begin);
      extents_[static_cast<size_t>(rank_++)] = *begin;
    }
  }

  int rank() const { return rank_; }
  /// Extent of a dimension; negative counts from the end.
  int64_t operator[](int dim) const { return extents_[static_cast<size_t>(dim < 0 ? dim + rank_ : dim)]; }
  int64_t& operator[](int dim) { return extents_[static_cast<size_t>(dim < 0 ? dim + rank_ : dim)]; }
  const int64_t* begin() const { return extents_.data(); }
  const int64_t* end() const { return extents_.data() + rank_; }

  /// Product of the extents; 1 for a scalar. Throws Error if it doesn't fit 63 bits.
  int64_t numel() const { return leading(0); }
  /// Product of the extents but the last `but`: leading(1) of (..., D) is its number of rows.
  int64_t leading(int but) const {
    int64_t n = 1;
    for (int dim = 0; dim + but < rank_; ++dim)
      if (__builtin_mul_overflow(n, (*this)[dim], &n)) [[unlikely]]
        fail("a tensor of shape {} is too large", str());
    return n;
  }
  /// "[2, 3]"
  std::string str() const { return fmt::format("[{}]", fmt::join(begin(), end(), ", ")); }

  friend bool operator==(const Shape& a, const Shape& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

 private:
  std::array<int64_t, max_rank> extents_{};
  int rank_ = 0;
};

}  // namespace minissl
