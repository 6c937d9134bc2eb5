#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/augment.h"
#include "tensor/tensor.h"

namespace minissl {

/// A PNG file of `image`, u8 (H, W, C): C = 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA. The same pixels give the same
/// bytes.
std::string encode_png(const Tensor& image);
/// The same, into a file that appears whole or not at all.
void write_png(const std::filesystem::path& path, const Tensor& image);

/// Undoes the normalisation: f32 (N, H, W, C) to u8 of the same shape, clamped to 0..255. Not-a-number becomes 0.
Tensor to_pixels(const Tensor& images, const Normalization& normalization = Normalization::none());

/// A contact sheet. `views`: tensors u8 (N, H, W, C), C = 1 or 3, with N and C in common; entry i of each belongs to
/// image i and stands side by side as a group: view 1 | view 2, or original | view 1 | view 2. Groups fill rows,
/// `columns` of them in each, `gap` pixels between views and three times that between groups. Gaps and left-over places
/// are transparent: the result is u8 (height, width, C + 1).
Tensor tile(const std::vector<Tensor>& views, int columns, int gap);

}  // namespace minissl
