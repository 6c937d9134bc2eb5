#pragma once
#include <vector>

#include "data/augment.h"

/// Views computed on a GPU, one kernel per batch, with the same per-pixel functions as render_view (augment.h): equal
/// up to rounding.
namespace minissl {

/// A view of an image whose pixels are on the GPU: u8 or f32 (H, W, C).
struct DeviceView {
  Tensor pixels;
  ViewParameters parameters;
};

/// Returns f32 (N, S, S, C) on the images' GPU. All views must have the same size and number of channels.
Tensor render_views(const std::vector<DeviceView>& views, const Normalization& normalization);

}  // namespace minissl
