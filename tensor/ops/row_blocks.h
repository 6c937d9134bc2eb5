#pragma once
#include <algorithm>
#include <array>

#include "tensor/parallel.h"
#include "tensor/workspace.h"

/// Sums over the rows of a matrix, in blocks of rows whose sums are added up in order: the same bits on any number of
/// threads. Internal, for gradients of parameters that all rows share.
namespace minissl::ops {

inline constexpr int64_t rows_per_block = 64;

inline int64_t row_blocks(int64_t rows) { return (rows + rows_per_block - 1) / rows_per_block; }

/// What sum_row_blocks allocates.
inline int64_t row_blocks_bytes(int64_t rows, int64_t width) {
  return row_blocks(rows) * width * static_cast<int64_t>(sizeof(float));
}

/// Calls add(begin, end, sums) for each block of rows, which adds their `width` numbers to `sums`; then
/// finish(column, total) for each column.
template <class Add, class Finish>
void sum_row_blocks(int64_t rows, int64_t width, Add&& add, Finish&& finish) {
  Workspace workspace(row_blocks(rows) * width);
  float* partial = workspace.take(row_blocks(rows) * width);
  for_blocks(rows, rows_per_block, [&](int64_t block, int64_t begin, int64_t end) {
    std::fill_n(partial + block * width, width, 0.0f);
    add(begin, end, partial + block * width);
  });
  // Some columns at a time, so that the blocks' sums are read along their rows.
  constexpr int64_t columns = 128;
  for_blocks(width, columns, [&](int64_t, int64_t begin, int64_t end) {
    std::array<double, columns> total{};
    for (int64_t block = 0; block < row_blocks(rows); ++block)
      for (int64_t c = begin; c < end; ++c)
        total[static_cast<size_t>(c - begin)] += static_cast<double>(partial[block * width + c]);
    for (int64_t c = begin; c < end; ++c) finish(c, static_cast<float>(total[static_cast<size_t>(c - begin)]));
  });
}

}  // namespace minissl::ops
