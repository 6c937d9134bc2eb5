#pragma once
#include <cstdint>

#include "tensor/host_device.h"

namespace minissl::ops {

/// Element i of CellPositions::y.
struct CellPosition {
  int64_t cells, grid, extent;  ///< `cells`: the number K of each image

  MINISSL_HD int64_t operator()(const int64_t* shown, int64_t i) const {
    const int64_t side = extent / grid, pixel = i % (side * side), cell = shown[i / (side * side)];
    const int64_t image = i / (side * side) / cells;
    const int64_t row = cell / grid * side + pixel / side, column = cell % grid * side + pixel % side;
    return (image * extent + row) * extent + column;
  }
};

/// Element i of CellPlaces::y.
struct CellPlace {
  int64_t cells, grid, extent;

  MINISSL_HD int64_t operator()(const int64_t* shown, int64_t i) const {
    const int64_t side = extent / grid, image = i / (extent * extent);
    const int64_t row = i / extent % extent, column = i % extent, cell = row / side * grid + column / side;
    for (int64_t k = image * cells; k < (image + 1) * cells; ++k)
      if (shown[k] == cell) return (k * side + row % side) * side + column % side;
    return -1;
  }
};

}  // namespace minissl::ops
