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

/// The inverse: for each pixel of the maps, its place in y above, or -1 where its cell is not among `cells`, which are
/// distinct in each image. y, i64 (N extent^2), is the index by which gather_rows puts rows of cells back into maps,
/// with a fill elsewhere.
struct CellPlaces {
  static constexpr const char* name = "cell_places";
  Tensor cells, y;
  int64_t grid, extent;
  const Tensor& dispatch() const { return cells; }
};
void kernel(Reference, const CellPlaces&);
void kernel(Cuda, const CellPlaces&);

/// These throw Error unless cells are i64 (N, K) and the grid divides the extent.
Tensor cell_positions(const Tensor& cells, int64_t grid, int64_t extent);
Tensor cell_places(const Tensor& cells, int64_t grid, int64_t extent);

}  // namespace minissl::ops
