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

}  // namespace minissl::ops
