#pragma once
#include "tensor/simd/kernels.h"
#include "tensor/simd/multiply.h"
#include "tensor/simd/transpose.h"
#include "tensor/simd/winograd_forms.h"

/// The kernels for vectors of W floats. Included by one file per instruction set.
namespace minissl::simd {

template <int W, class Map>
void gather(const float* const* from, int64_t channels, float* to, int64_t stride) {
  constexpr int in = Map::in, out = Map::out;
  for (int64_t c = 0; c < channels; c += W) {
    Vector<W> half[out][in];
#pragma GCC unroll 8
    for (int j = 0; j < in; ++j) {
      Vector<W> column[in], mapped[out];
#pragma GCC unroll 8
      for (int i = 0; i < in; ++i) column[i] = load<W>(from[i * in + j] + c);
      Map::apply(column, mapped);
#pragma GCC unroll 8
      for (int i = 0; i < out; ++i) half[i][j] = mapped[i];
    }
#pragma GCC unroll 8
    for (int i = 0; i < out; ++i) {
      Vector<W> row[out];
      Map::apply(half[i], row);
#pragma GCC unroll 8
      for (int j = 0; j < out; ++j) store<W>(to + (i * out + j) * stride + c, row[j]);
    }
  }
}

template <int W, class Map>
void scatter(const float* from, int64_t stride, int64_t channels, float* const* to) {
  constexpr int in = Map::in, out = Map::out;
  for (int64_t c = 0; c < channels; c += W) {
    Vector<W> half[out][in];
#pragma GCC unroll 8
    for (int j = 0; j < in; ++j) {
      Vector<W> column[in], mapped[out];
#pragma GCC unroll 8
      for (int i = 0; i < in; ++i) column[i] = load<W>(from + (i * in + j) * stride + c);
      Map::apply(column, mapped);
#pragma GCC unroll 8
      for (int i = 0; i < out; ++i) half[i][j] = mapped[i];
    }
#pragma GCC unroll 8
    for (int i = 0; i < out; ++i) {
      Vector<W> row[out];
      Map::apply(half[i], row);
#pragma GCC unroll 8
      for (int j = 0; j < out; ++j) store<W>(to[i * out + j] + c, row[j]);
    }
  }
}

template <int W, class F>
constexpr Form form() {
  return {F::inputs * F::inputs,
          F::outputs * F::outputs,
          F::products * F::products,
          F::outputs,
          F::inputs,
          F::offset,
          gather<W, typename F::Input>,
          gather<W, typename F::Weight>,
          gather<W, typename F::OutputAdjoint>,
          scatter<W, typename F::Output>,
          scatter<W, typename F::WeightAdjoint>};
}

template <int W, int max_rows>
void multiply_plain(int64_t rows, int64_t columns, int64_t depth, const float* a, int64_t a_stride, const float* b,
                    int64_t b_stride, float* c, int64_t c_stride, Addend addend) {
  multiply<W, max_rows, true>(rows, columns, depth, {a, a_stride, 1}, b, b_stride, c, c_stride, addend);
}

template <int W, int max_rows>
void multiply_transposed(int64_t rows, int64_t columns, int64_t depth, const float* a, int64_t a_stride, const float* b,
                         int64_t b_stride, float* c, int64_t c_stride, Addend addend) {
  multiply<W, max_rows, false>(rows, columns, depth, {a, 1, a_stride}, b, b_stride, c, c_stride, addend);
}

template <int W, int max_rows>
void multiply_packed(int64_t rows, int64_t columns, int64_t depth, const float* a, int64_t, const float* b,
                     int64_t b_stride, float* c, int64_t c_stride, Addend addend) {
  for (int64_t r = 0; r < rows; r += max_rows) {
    const int64_t count = rows - r < max_rows ? rows - r : max_rows;
    const Addend added{addend.data ? addend.data + r * addend.stride : nullptr, addend.stride};
    multiply<W, max_rows, false>(count, columns, depth, {a + r * depth, 1, max_rows}, b, b_stride, c + r * c_stride,
                                 c_stride, added);
  }
}

template <int max_rows>
void pack_transposed(int64_t rows, int64_t depth, const float* a, int64_t a_stride, float* to) {
  constexpr int64_t rows_ahead = 6;  // too far apart, and too short, for the processor to prefetch them by itself
  for (int64_t k = 0; k < depth; ++k, a += a_stride) {
    for (int64_t r = 0; r < rows; r += 16) __builtin_prefetch(a + rows_ahead * a_stride + r);
    int64_t r = 0;
    for (; r + max_rows <= rows; r += max_rows)
#pragma GCC unroll 16
      for (int i = 0; i < max_rows; ++i) to[r * depth + k * max_rows + i] = a[r + i];
    for (int64_t i = r; i < rows; ++i) to[r * depth + k * max_rows + i - r] = a[i];
  }
}

template <int W, int max_rows>
constexpr Kernels kernels_of(const char* name, const SplitProducts* split = nullptr) {
  return {name,
          W,
          max_rows,
          form<W, FourByThree>(),
          form<W, PaddedPair>(),
          multiply_plain<W, max_rows>,
          multiply_transposed<W, max_rows>,
          multiply_packed<W, max_rows>,
          pack_transposed<max_rows>,
          transpose<W>,
          split};
}

}  // namespace minissl::simd
