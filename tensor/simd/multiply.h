#pragma once
#include "tensor/simd/kernels.h"
#include "tensor/simd/vector.h"

/// The product of a few rows with a few vectors of columns, held in registers: the core of every matrix product here.
namespace minissl::simd {

/// Where a matrix is: element (row, depth) of a is at a[row * row_stride + depth * depth_stride].
struct Strided {
  const float* data;
  int64_t row_stride, depth_stride;
};

// Makes the compiler hold a value in a register and forget how it was computed.
template <class Pointer>
inline void keep_pointer(Pointer& value) {
  asm("" : "+r"(value));
}
template <class Vector>
inline void keep_vector(Vector& value) {
#if defined(__x86_64__)
  asm("" : "+v"(value));
#else
  static_cast<void>(value);
#endif
}

// c[r, 0..vectors*W) = addend + sum over k of a[r, k] * b[k, 0..vectors*W). Each element is summed in the order of k,
// whatever the blocking, so results do not depend on which rows are computed together.
template <int W, int rows, int vectors, bool contiguous_depth>
inline void multiply_block(int64_t depth, Strided a, const float* b, int64_t b_stride, float* c, int64_t c_stride,
                           Addend addend) {
  Vector<W> sum[rows][vectors];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
      sum[r][v] = addend.data ? load<W>(addend.data + r * addend.stride + v * W) : Vector<W>{};
  const int64_t row_stride = contiguous_depth ? a.row_stride : 1, depth_stride = contiguous_depth ? 1 : a.depth_stride;
  // Every third row has a pointer of its own; the two rows after it are addressed as base + 4 * stride and
  // base + 8 * stride, which costs nothing. By itself the compiler computes all addresses from one pointer, and runs
  // out of registers for them (a third of the speed); keep_pointer() hides from it how they are related.
  constexpr int groups = (rows + 2) / 3;
  const float* group[groups];
#pragma GCC unroll 8
  for (int g = 0; g < groups; ++g) group[g] = a.data + 3 * g * row_stride;
  const auto step = [&](int64_t offset) __attribute__((always_inline)) {
    Vector<W> columns[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      columns[v] = load<W>(b + v * W);
      keep_vector(columns[v]);
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      const float factor = group[r / 3][r % 3 * row_stride + offset];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sum[r][v] += factor * columns[v];
    }
    b += b_stride;
  };
  const auto advance = [&](int64_t by) __attribute__((always_inline)) {
#pragma GCC unroll 8
    for (int g = 0; g < groups; ++g) {
      group[g] += by;
      keep_pointer(group[g]);
    }
  };
  // Two at a time where the elements are contiguous. With four the compiler spills sums between them, which costs more
  // (8% on Zen 3) than the loop does.
  int64_t k = 0;
  if constexpr (contiguous_depth)
    for (; k + 2 <= depth; k += 2) {
      step(0);
      step(1);
      advance(2);
    }
  for (; k < depth; ++k) {
    step(0);
    advance(depth_stride);
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) store<W>(c + r * c_stride + v * W, sum[r][v]);
}

template <int W, int rows, int vectors, bool contiguous_depth>
inline void multiply_rows(int64_t count, int64_t depth, Strided a, const float* b, int64_t b_stride, float* c,
                          int64_t c_stride, Addend addend) {
  if (count == rows)
    multiply_block<W, rows, vectors, contiguous_depth>(depth, a, b, b_stride, c, c_stride, addend);
  else if constexpr (rows > 1)
    multiply_rows<W, rows - 1, vectors, contiguous_depth>(count, depth, a, b, b_stride, c, c_stride, addend);
}

/// Computes c = a b + addend, where a is (rows, depth), b (depth, columns) and c (rows, columns). The number of columns
/// must be a multiple of W.
template <int W, int max_rows, bool contiguous_depth>
void multiply(int64_t rows, int64_t columns, int64_t depth, Strided a, const float* b, int64_t b_stride, float* c,
              int64_t c_stride, Addend addend) {
  const int64_t blocks = (rows + max_rows - 1) / max_rows;
  for (int64_t column = 0; column < columns;) {
    const int64_t width = columns - column >= 2 * W ? 2 * W : W;
    for (int64_t block = 0; block < blocks; ++block) {
      // Blocks as equal as possible: one of a single row would cost as much as one of eight.
      const int64_t begin = rows * block / blocks, end = rows * (block + 1) / blocks;
      const Strided part{a.data + begin * a.row_stride, a.row_stride, a.depth_stride};
      float* out = c + begin * c_stride + column;
      const Addend added{addend.data ? addend.data + begin * addend.stride + column : nullptr, addend.stride};
      if (width == 2 * W)
        multiply_rows<W, max_rows, 2, contiguous_depth>(end - begin, depth, part, b + column, b_stride, out, c_stride,
                                                        added);
      else
        multiply_rows<W, max_rows, 1, contiguous_depth>(end - begin, depth, part, b + column, b_stride, out, c_stride,
                                                        added);
    }
    column += width;
  }
}

}  // namespace minissl::simd
