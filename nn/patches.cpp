#include "nn/patches.h"

#include <cmath>

#include "tensor/ops/cast.h"
#include "tensor/ops/cells.h"
#include "tensor/ops/layer_norm.h"
#include "tensor/ops/rows.h"

namespace minissl {

Variable patches_of(const Variable& images, const Tensor& cells, int64_t grid) {
  const Shape& shape = images.shape();
  require(shape.rank() == 4 && shape[1] == shape[2], "patches are taken from square images (N, S, S, C), not {}",
          images.value());
  const int64_t count = shape[0], size = shape[1], channels = shape[3], side = size / grid;
  const Tensor pixels = ops::cell_positions(cells, grid, size);
  const Variable rows = gather_rows(view(images, {count * size * size, channels}), pixels, Repeats::none);
  return view(rows, {count, cells.dim(1), side * side * channels});
}

Tensor patches_of(const Tensor& images, const Tensor& cells, int64_t grid) {
  return patches_of(Variable(images), cells, grid).value();
}

Tensor all_cells(int64_t images, int64_t grid, Device device) {
  const int64_t cells = grid * grid;
  return ops::grid_positions(images * cells, cells, 0, 0, 1, device).view({images, cells});
}

// Layer normalisation divides by sqrt(biased variance + eps). With D elements, the biased variance is (D - 1) / D of
// the unbiased one, so eps and the weight are scaled to match.
Tensor normalized_patches(const Tensor& patches) {
  constexpr double eps = 1e-6;
  const Tensor x = ops::cast(patches, master_type(patches.dtype()));
  const int64_t elements = x.dim(-1);
  require(elements > 1, "a patch of one number, {}, has no variance", patches);
  const double biased = static_cast<double>(elements - 1) / static_cast<double>(elements);
  const auto row_of = [&](double value) { return Tensor::full({elements}, value, x.dtype(), x.device()); };
  const ops::LayerNorm op{.x = x,
                          .weight = row_of(std::sqrt(biased)),
                          .bias = row_of(0),
                          .y = Tensor::empty_like(x),
                          .mean = {},
                          .rstd = {},
                          .eps = eps * biased};
  run(op);
  return op.y;
}

}  // namespace minissl
