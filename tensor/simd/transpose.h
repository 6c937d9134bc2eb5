#pragma once
#include "tensor/simd/vector.h"

/// Blocks of W x W floats, transposed in registers.
namespace minissl::simd {

// Rows i and i + s exchange their off-diagonal blocks of s x s, for s = 1, 2, 4, ...
template <int W>
inline void transpose(Vector<W> (&rows)[W]) {
  using Indices = typename VectorOf<W>::indices;
#pragma GCC unroll 4
  for (int s = 1; s < W; s *= 2) {
    Indices upper{}, lower{};
#pragma GCC unroll 16
    for (int j = 0; j < W; ++j) {
      upper[j] = j & s ? W + j - s : j;
      lower[j] = j & s ? W + j : j + s;
    }
#pragma GCC unroll 16
    for (int i = 0; i < W; ++i) {
      if (i & s) continue;
      const Vector<W> first = rows[i], second = rows[i + s];
      rows[i] = __builtin_shuffle(first, second, upper);
      rows[i + s] = __builtin_shuffle(first, second, lower);
    }
  }
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
