#include "ssl/methods/painting_method.h"

#include <cmath>
#include <numeric>

#include "nn/patches.h"
#include "tensor/ops/cells.h"

namespace minissl {
namespace {

// Undoes normalized_patches, given the true pixels of the cell.
void restore_scale(std::vector<double>& pred, const std::vector<double>& pixels) {
  const auto count = static_cast<double>(pixels.size());
  const double mean = std::accumulate(pixels.begin(), pixels.end(), 0.0) / count;
  double squares = 0;
  for (const double p : pixels) squares += (p - mean) * (p - mean);
  const double deviation = std::sqrt(squares / (count - 1) + 1e-6);
  for (double& p : pred) p = mean + deviation * p;
}

}  // namespace

Reconstruction reconstruction(const Tensor& images, const Tensor& hidden, const Tensor& pred, int64_t grid,
                              bool normalized) {
  const Tensor original = images.to(Device{}).to(DType::f32).clone();
  Reconstruction result{original, original.clone(), original.clone()};
  const int64_t channels = original.dim(3), cells = grid * grid, count = original.dim(0) * cells;
  const Tensor all = all_cells(original.dim(0), grid, {});
  const Tensor places = ops::cell_positions(all, grid, original.dim(1));
  const std::vector<double> pixels = patches_of(original, all, grid).to_vector();
  const std::vector<double> predicted = pred.to_vector(), is_hidden = hidden.to_vector();
  const auto in_cell = static_cast<int64_t>(pixels.size()) / count;
  for (int64_t cell = 0; cell < count; ++cell) {
    if (is_hidden[static_cast<size_t>(cell)] == 0) continue;
    std::vector<double> values(predicted.begin() + cell * in_cell, predicted.begin() + (cell + 1) * in_cell);
    if (normalized) restore_scale(values, {pixels.begin() + cell * in_cell, pixels.begin() + (cell + 1) * in_cell});
    for (int64_t i = 0; i < in_cell; ++i) {
      const int64_t place = places.data<int64_t>()[(cell * in_cell + i) / channels] * channels + i % channels;
      result.masked.mutable_data<float>()[place] = 0;
      result.painted.mutable_data<float>()[place] = static_cast<float>(values[static_cast<size_t>(i)]);
    }
  }
  return result;
}

}  // namespace minissl
