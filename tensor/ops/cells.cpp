#include "tensor/ops/cells.h"

#include "tensor/ops/cells_functions.h"

namespace minissl::ops {
namespace {

void require_cells(const char* name, const Tensor& cells, int64_t grid, int64_t extent) {
  require(cells.rank() == 2 && cells.dtype() == DType::i64, "{}: cells are i64 (N, K), not {}", name, cells);
  require(grid > 0 && extent % grid == 0, "{}: a map of {} pixels does not fall into {} cells", name, extent, grid);
}

}  // namespace

void kernel(Reference, const CellPositions& op) {
  const CellPosition position{op.cells.dim(1), op.grid, op.extent};
  const auto* cells = op.cells.data<int64_t>();
  auto* y = op.y.mutable_data<int64_t>();
  for (int64_t i = 0; i < op.y.numel(); ++i) y[i] = position(cells, i);
}

void kernel(Reference, const CellPlaces& op) {
  const CellPlace place{op.cells.dim(1), op.grid, op.extent};
  const auto* cells = op.cells.data<int64_t>();
  auto* y = op.y.mutable_data<int64_t>();
  for (int64_t i = 0; i < op.y.numel(); ++i) y[i] = place(cells, i);
}

Tensor cell_positions(const Tensor& cells, int64_t grid, int64_t extent) {
  require_cells(CellPositions::name, cells, grid, extent);
  const int64_t side = extent / grid;
  CellPositions op{cells, Tensor::empty({cells.numel() * side * side}, DType::i64, cells.device()), grid, extent};
  run(op);
  return op.y;
}

Tensor cell_places(const Tensor& cells, int64_t grid, int64_t extent) {
  require_cells(CellPlaces::name, cells, grid, extent);
  CellPlaces op{cells, Tensor::empty({cells.dim(0) * extent * extent}, DType::i64, cells.device()), grid, extent};
  run(op);
  return op.y;
}

}  // namespace minissl::ops
