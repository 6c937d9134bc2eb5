#pragma once
#include "tensor/operation.h"

namespace minissl::ops {

/// Where the cells of a grid lie in square maps (N, extent, extent, ...) seen as rows: cells i64 (N, K), numbers on a
/// grid of `grid` x `grid`; y i64 (N K s^2), s = extent / grid: for each cell its s^2 pixels, row by row.
struct CellPositions {
  static constexpr const char* name = "cell_positions";
  Tensor cells, y;
  int64_t grid, extent;
  const Tensor& dispatch() const { return cells; }
};
void kernel(Reference, const CellPositions&);
void kernel(Cuda, const CellPositions&);

/// Throws Error unless the grid divides the extent.
Tensor cell_positions(const Tensor& cells, int64_t grid, int64_t extent);

}  // namespace minissl::ops
