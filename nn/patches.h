#pragma once
#include "autograd/functions.h"

/// Patches of images as tokens, for methods that predict the pixels of hidden ones.
namespace minissl {

/// The patches of images (N, S, S, C) that fill these cells of a `grid` x `grid` grid: (N, K, p*p*C) with p = S / grid,
/// in each patch row by row, column by column, then channels (He et al. 2021, MAE). `cells`, i64 (N, K), are numbered
/// row by row and distinct in each image. Throws Error unless images are square and the grid divides them.
Variable patches_of(const Variable& images, const Tensor& cells, int64_t grid);
Tensor patches_of(const Tensor& images, const Tensor& cells, int64_t grid);

/// The numbers of all cells of each image, i64 (N, grid^2).
Tensor all_cells(int64_t images, int64_t grid, Device device);

/// Each patch (..., D) less its mean, divided by sqrt(its unbiased variance + 1e-6) (section 4.2, "normalized pixels").
/// In f32 for patches in bf16, because a loss compares it.
Tensor normalized_patches(const Tensor& patches);

}  // namespace minissl
