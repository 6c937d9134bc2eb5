#pragma once
#include <cstdint>

#include "data/image.h"

namespace minissl {

/// Composites a value with alpha on black.
inline uint8_t on_black(uint8_t value, uint8_t alpha) { return static_cast<uint8_t>((value * alpha + 127) / 255); }
inline uint16_t on_black(uint16_t value, uint16_t alpha) {
  return static_cast<uint16_t>((uint32_t{value} * alpha + 32767u) / 65535u);
}

/// Composites pixels with 2 or 4 channels, the last of which is alpha, in place; leaves 1 or 3 as they are. Returns the
/// number of channels left.
template <class T>
int64_t composite_on_black(T* pixels, int64_t count, int64_t channels) {
  if (channels == 1 || channels == 3) return channels;
  const int64_t colors = channels - 1;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t c = 0; c < colors; ++c)
      pixels[i * colors + c] = on_black(pixels[i * channels + c], pixels[i * channels + colors]);
  return colors;
}

/// The image of 8-bit pixels (H, W, 1 to 4), which are overwritten if they have alpha.
Image image_of(const Tensor& pixels);

}  // namespace minissl
