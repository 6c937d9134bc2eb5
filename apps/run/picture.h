#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/augment.h"
#include "tensor/tensor.h"

namespace minissl {

/// Encodes `image`, u8 (H, W, C), as PNG: C = 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA. The same pixels give the same
/// bytes.
std::string encode_png(const Tensor& image);
/// Writes the PNG to a file, which appears whole or not at all.
void write_png(const std::filesystem::path& path, const Tensor& image);

/// Undoes the normalisation: f32 (N, H, W, C) to u8 of the same shape, clamped to 0..255. NaN becomes 0.
Tensor to_pixels(const Tensor& images, const Normalization& normalization = Normalization::none());

/// Makes a contact sheet. `views` are tensors u8 (N, H, W, C), C = 1 or 3, with the same N and C. The entries i of all
/// tensors belong to image i and form a group side by side: view 1 | view 2, or original | view 1 | view 2. Each row
/// has `columns` groups, with `gap` pixels between views and three times that between groups. Gaps and unused places
/// are transparent: the result is u8 (height, width, C + 1).
Tensor tile(const std::vector<Tensor>& views, int columns, int gap);

}  // namespace minissl
