#pragma once
#include <vector>

#include "data/augment.h"

/// Views computed on a GPU by one kernel a batch, from the same functions of a pixel as render_view (augment.h): the
/// same numbers to rounding.
namespace minissl {

/// A view of an image whose pixels are on the GPU: u8 or f32 (H, W, C).
struct DeviceView {
  Tensor pixels;
  ViewParameters parameters;
};

/// The views, f32 (N, S, S, C) on the images' GPU; all of one size and number of channels.
Tensor render_views(const std::vector<DeviceView>& views, const Normalization& normalization);

}  // namespace minissl
