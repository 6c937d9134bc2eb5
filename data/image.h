#pragma once
#include "data/luma.h"
#include "tensor/tensor.h"

namespace minissl {

/// A decoded picture, upright, without alpha.
struct Image {
  /// (H, W, C) with C = 1 (gray) or 3 (RGB): u8, or f32 in [0, 1] where 8 bits would lose levels (16-bit sources).
  Tensor pixels;

  int64_t height() const { return pixels.dim(0); }
  int64_t width() const { return pixels.dim(1); }
  int64_t channels() const { return pixels.dim(2); }
};

/// The image with `channels` = 1 or 3 of them: gray is repeated, colours become luma. The image itself (sharing its
/// pixels) when it has that many already.
Image with_channels(const Image& image, int64_t channels);

/// The image with a shorter side of `shorter` pixels, averaged as views are; itself (sharing its pixels) where it has
/// no more than that.
Image shrink(const Image& image, int64_t shorter);

}  // namespace minissl
