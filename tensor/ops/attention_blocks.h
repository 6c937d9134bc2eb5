#pragma once
#include <algorithm>
#include <cstdint>

#include "tensor/simd/kernels.h"

/// Matrices of one head in the order in which products read them; internal to attention on the CPU.
namespace minissl::ops {

inline int64_t round_up(int64_t n, int64_t multiple) { return (n + multiple - 1) / multiple * multiple; }

/// The right factor of products: a matrix (depth, columns) in panels of columns that are contiguous, padded with zeros.
class HeadPanels {
 public:
  HeadPanels(float* memory, int64_t depth, int64_t columns) : data_(memory), depth_(depth), columns_(columns) {}

  static int64_t floats(int64_t depth, int64_t columns) { return depth * round_up(columns, simd::kernels().panel()); }

  /// Element (d, c) = factor * from[d * depth_stride + c * column_stride].
  void fill(const float* from, int64_t depth_stride, int64_t column_stride, float factor) {
    const int64_t panel = simd::kernels().panel();
    float* to = data_;
    for (int64_t first = 0; first < columns_; first += panel)
      for (int64_t d = 0; d < depth_; ++d)
        for (int64_t c = first; c < first + panel; ++c)
          *to++ = c < columns_ ? factor * from[d * depth_stride + c * column_stride] : 0;
  }

  /// c (rows, end - begin), or c +=, the product of a (rows, to - from) and rows [from, to) of columns [begin, end).
  /// `begin` is the beginning of a panel; c's rows have space for whole vectors. Element (r, k) of a is
  /// a[r * a_stride + k], or a[r + k * a_stride] for the transposed one.
  void multiply(bool transposed, int64_t rows, const float* a, int64_t a_stride, int64_t from, int64_t to,
                int64_t begin, int64_t end, float* c, int64_t c_stride, bool accumulate) const {
    const simd::Kernels& k = simd::kernels();
    const simd::Multiply multiply = transposed ? k.multiply_transposed : k.multiply;
    for (int64_t column = begin; column < end; column += k.panel())
      multiply(rows, round_up(std::min(end - column, k.panel()), k.width), to - from, a, a_stride,
               data_ + column * depth_ + from * k.panel(), k.panel(), c + column - begin, c_stride,
               {accumulate ? c + column - begin : nullptr, c_stride});
  }

 private:
  float* data_;
  int64_t depth_, columns_;
};

/// Queries and keys whose logits are in the first-level cache together.
inline constexpr int64_t query_block = 32, key_block = 192;
/// Between rows of such a block: not a power of two, whose rows would compete for the same lines of the cache.
inline constexpr int64_t block_stride = key_block + 16;

}  // namespace minissl::ops
