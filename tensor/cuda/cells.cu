#include "tensor/cuda/launch.h"
#include "tensor/ops/cells.h"
#include "tensor/ops/cells_functions.h"

namespace minissl::ops {

void kernel(Cuda, const CellPositions& op) {
  const auto* cells = cuda::data<int64_t>(op.cells);
  auto* y = cuda::mutable_data<int64_t>(op.y);
  cuda::each(op, op.y.numel(), [=, position = CellPosition{op.cells.dim(1), op.grid, op.extent}] __device__(int64_t i) {
    y[i] = position(cells, i);
  });
}

void kernel(Cuda, const CellPlaces& op) {
  const auto* cells = cuda::data<int64_t>(op.cells);
  auto* y = cuda::mutable_data<int64_t>(op.y);
  cuda::each(op, op.y.numel(), [=, place = CellPlace{op.cells.dim(1), op.grid, op.extent}] __device__(int64_t i) {
    y[i] = place(cells, i);
  });
}

}  // namespace minissl::ops
