#pragma once
#include "tensor/operation.h"

namespace minissl::ops {

/// The pixels of grid cells in square maps (N, extent, extent, ...), as numbers of rows of the maps viewed as
/// (N extent^2, ...). `cells`, i64 (N, K), are numbered row by row on a grid of `grid` x `grid`. y, i64 (N K s^2) with
/// s = extent / grid, has the s^2 pixels of each cell, row by row.
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
