#pragma once
#include <tuple>
#include <type_traits>

/// Visits the members of plain structs without naming them, so that operations need no code of their own to be
/// measured.
namespace minissl {
namespace detail {

// Converts to the type of any member of an aggregate: {Anything{}, Anything{}} initialises any two members.
struct Anything {
  template <class T>
  operator T() const;
};

template <class Op, class... Members>
constexpr int count_members() {
  if constexpr (requires { Op{Members{}..., Anything{}}; })
    return count_members<Op, Members..., Anything>();
  else
    return sizeof...(Members);
}

}  // namespace detail

/// A tuple of references to an aggregate's members. C++ cannot yet bind a variable number of them (P1061).
template <class Op>
auto members_of(Op& op) {
  constexpr int n = detail::count_members<std::remove_const_t<Op>>();
  static_assert(2 <= n && n <= 14, "an operation of so many members needs a line here");
  if constexpr (n == 2) {
    auto& [a, b] = op;
    return std::tie(a, b);
  } else if constexpr (n == 3) {
    auto& [a, b, c] = op;
    return std::tie(a, b, c);
  } else if constexpr (n == 4) {
    auto& [a, b, c, d] = op;
    return std::tie(a, b, c, d);
  } else if constexpr (n == 5) {
    auto& [a, b, c, d, e] = op;
    return std::tie(a, b, c, d, e);
  } else if constexpr (n == 6) {
    auto& [a, b, c, d, e, f] = op;
    return std::tie(a, b, c, d, e, f);
  } else if constexpr (n == 7) {
    auto& [a, b, c, d, e, f, g] = op;
    return std::tie(a, b, c, d, e, f, g);
  } else if constexpr (n == 8) {
    auto& [a, b, c, d, e, f, g, h] = op;
    return std::tie(a, b, c, d, e, f, g, h);
  } else if constexpr (n == 9) {
    auto& [a, b, c, d, e, f, g, h, i] = op;
    return std::tie(a, b, c, d, e, f, g, h, i);
  } else if constexpr (n == 10) {
    auto& [a, b, c, d, e, f, g, h, i, j] = op;
    return std::tie(a, b, c, d, e, f, g, h, i, j);
  } else if constexpr (n == 11) {
    auto& [a, b, c, d, e, f, g, h, i, j, k] = op;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k);
  } else if constexpr (n == 12) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l] = op;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l);
  } else if constexpr (n == 13) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = op;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m);
  } else {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = op;
    return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
  }
}

}  // namespace minissl
