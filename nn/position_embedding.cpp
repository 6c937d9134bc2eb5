#include "nn/position_embedding.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tensor/dry_run.h"

namespace minissl {
namespace {

// Keys (1981), with a = -0.75.
double cubic(double distance) {
  const double t = std::abs(distance);
  return t <= 1 ? (1.25 * t - 2.25) * t * t + 1 : ((-0.75 * t + 3.75) * t - 6) * t + 3;
}

// (to, from), row by row: the weights of one dimension.
std::vector<double> bicubic(int64_t from, int64_t to, double offset) {
  std::vector<double> weights(static_cast<size_t>(to * from));
  for (int64_t i = 0; i < to; ++i) {
    const double at =
        (static_cast<double>(i) + 0.5) * static_cast<double>(from) / (static_cast<double>(to) + offset) - 0.5;
    const auto base = static_cast<int64_t>(std::floor(at));
    for (int64_t j = base - 1; j <= base + 2; ++j)
      weights[static_cast<size_t>(i * from + std::clamp<int64_t>(j, 0, from - 1))] +=
          cubic(at - static_cast<double>(j));
  }
  return weights;
}

}  // namespace

Tensor sine_positions(int64_t grid, int64_t width, Axes axes) {
  require(width > 0 && width % 4 == 0, "`width` must be a multiple of 4 for sine and cosine positions, not {}", width);
  const Shape shape{1, 1 + grid * grid, width};
  if (DryRun::active()) return Tensor::empty(shape, DType::f64);
  const int64_t quarter = width / 4;
  std::vector<double> values(static_cast<size_t>(width), 0);  // the class token's
  for (int64_t y = 0; y < grid; ++y)
    for (int64_t x = 0; x < grid; ++x)
      for (const int64_t coordinate : {axes == Axes::columns_first ? x : y, axes == Axes::columns_first ? y : x})
        for (const bool cosine : {false, true})
          for (int64_t j = 0; j < quarter; ++j) {
            const double frequency = std::pow(10000.0, -static_cast<double>(j) / static_cast<double>(quarter));
            const double angle = static_cast<double>(coordinate) * frequency;
            values.push_back(cosine ? std::cos(angle) : std::sin(angle));
          }
  return Tensor::from<double>(shape, values);
}

// One matrix for both dimensions: grids are small.
Tensor position_resampling(int64_t from, int64_t to, double offset) {
  const Shape shape{to * to, from * from};
  if (DryRun::active()) return Tensor::empty(shape, DType::f64);
  const std::vector<double> line = bicubic(from, to, offset);
  const auto at = [&](int64_t i, int64_t j) { return line[static_cast<size_t>(i * from + j)]; };
  std::vector<double> weights;
  for (int64_t row = 0; row < to * to; ++row)
    for (int64_t column = 0; column < from * from; ++column)
      weights.push_back(at(row / to, column / from) * at(row % to, column % from));
  return Tensor::from<double>(shape, weights);
}

}  // namespace minissl
