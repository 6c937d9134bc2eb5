#pragma once
#include "tensor/tensor.h"

namespace minissl {

/// Fixed sine and cosine positions of patches on a square grid, (1, 1 + grid^2, width): zeros for the class token; for
/// the patch in row y and column x, with w[j] = 10000^(-j / (width / 4)), j from 0 to width / 4 - 1:
///   sin(x w), cos(x w), sin(y w), cos(y w)      (MAE's), or, with Axes::rows_first,
///   sin(y w), cos(y w), sin(x w), cos(x w)      (MoCo v3's).
/// f64. Throws Error unless the width is a multiple of 4.
enum class Axes { columns_first, rows_first };
Tensor sine_positions(int64_t grid, int64_t width, Axes axes);

/// The matrix (to^2, from^2), f64, that resamples positions of patches on a grid of `from` x `from`, (from^2, width),
/// to `to` x `to`, by bicubic interpolation (a = -0.75, edges repeated, not antialiased). Sample i of a row or column
/// is taken at (i + 1/2) from / (to + offset) - 1/2; DINO's `offset` of 0.1 is a guard against rounding that also
/// shifts the samples, 0 is exact.
Tensor position_resampling(int64_t from, int64_t to, double offset);

}  // namespace minissl
