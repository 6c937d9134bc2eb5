#pragma once
#include <concepts>
#include <fmt/format.h>
#include <stdexcept>
#include <string>
#include <utility>

/// Types with str() can be arguments of messages: str() is called only if there is a message.
template <class T>
requires requires(const T& value) {
  { value.str() } -> std::same_as<std::string>;
}
struct fmt::formatter<T> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const T& value, Context& context) const {
    return fmt::formatter<std::string>::format(value.str(), context);
  }
};

namespace minissl {

/// The one exception of this project. The message is one line for the user: what, where, and what to do about it.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws Error with a formatted message.
template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

/// Throws Error with a formatted message unless `condition` holds. Arguments should cost nothing where it does: shapes
/// and tensors, not their str().
template <class... Args>
void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) [[unlikely]]
    fail(format, std::forward<Args>(args)...);
}

}  // namespace minissl
