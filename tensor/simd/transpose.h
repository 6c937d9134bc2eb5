#pragma once
#include <utility>

#include "tensor/simd/vector.h"

/// Blocks of W x W floats, transposed in registers.
namespace minissl::simd {

// Of two rows that exchange their off-diagonal blocks of s x s: where the elements of the first, or second, come from.
template <int W, int s, bool first>
constexpr int source(int j) {
  if (first) return j & s ? W + j - s : j;
  return j & s ? W + j : j + s;
}

template <int W, int s, bool first, int... j>
inline Vector<W> exchange(Vector<W> a, Vector<W> b, std::integer_sequence<int, j...>) {
  return __builtin_shufflevector(a, b, source<W, s, first>(j)...);
}

// Rows i and i + s exchange their off-diagonal blocks of s x s, for s = 1, 2, 4, ...
template <int W, int s = 1>
inline void transpose(Vector<W> (&rows)[W]) {
  constexpr auto all = std::make_integer_sequence<int, W>();
#pragma GCC unroll 16
  for (int i = 0; i < W; ++i) {
    if (i & s) continue;
    const Vector<W> first = rows[i], second = rows[i + s];
    rows[i] = exchange<W, s, true>(first, second, all);
    rows[i + s] = exchange<W, s, false>(first, second, all);
  }
  if constexpr (2 * s < W) transpose<W, 2 * s>(rows);
}

template <int W>
void transpose(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  Vector<W> rows[W];
#pragma GCC unroll 16
  for (int i = 0; i < W; ++i) rows[i] = load<W>(from + i * from_stride);
  transpose<W>(rows);
#pragma GCC unroll 16
  for (int i = 0; i < W; ++i) store<W>(to + i * to_stride, rows[i]);
}

}  // namespace minissl::simd
