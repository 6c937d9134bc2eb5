#include "nn/backbones/visible_cells.h"

#include "tensor/ops/cells.h"

namespace minissl {

VisibleCells::VisibleCells(const Tensor& kept, int64_t grid) : kept_(kept), grid_(grid) {
  require(kept.dtype() == DType::i64 && kept.rank() == 2 && kept.dim(1) > 0,
          "the cells that are shown are i64 (N, K), K > 0, not {}", kept);
  if (kept.device() != Device{} || !kept.storage()->real()) return;
  for (const int64_t cell : kept.span<int64_t>())
    require(cell >= 0 && cell < grid * grid, "cell {} is not on the grid of {} x {}", cell, grid, grid);
}

void VisibleCells::require_fits(const Shape& map) const {
  require(map.rank() == 4 && map[0] == kept_.dim(0) && map[1] == map[2] && map[1] % grid_ == 0,
          "a map {} (N, H, W, C) does not fall into {} x {} cells of {} images", map, grid_, grid_, kept_.dim(0));
}

const Tensor& VisibleCells::positions(const Shape& map) const {
  require_fits(map);
  Tensor& known = by_extent_[map[1]];
  if (!known.defined()) known = ops::cell_positions(kept_, grid_, map[1]);
  return known;
}

Tensor VisibleCells::places(const Shape& map) const {
  require_fits(map);
  return ops::cell_places(kept_, grid_, map[1]);
}

}  // namespace minissl
