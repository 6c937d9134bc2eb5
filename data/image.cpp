#include "data/image.h"

namespace minissl {
namespace {

uint8_t luma(const uint8_t* rgb) {
  // Pillow's integer weights (16 fractional bits, rounded), so that gray levels agree with Pillow's.
  return static_cast<uint8_t>((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
}
float luma(const float* rgb) { return luma_red * rgb[0] + luma_green * rgb[1] + luma_blue * rgb[2]; }

template <class T>
void convert(const T* from, int64_t from_channels, T* to, int64_t count) {
  if (from_channels == 1)
    for (int64_t i = 0; i < count; ++i) to[3 * i] = to[3 * i + 1] = to[3 * i + 2] = from[i];
  else
    for (int64_t i = 0; i < count; ++i) to[i] = luma(from + 3 * i);
}

}  // namespace

Image with_channels(const Image& image, int64_t channels) {
  require(channels == 1 || channels == 3, "an image has 1 or 3 channels, not {}", channels);
  if (image.channels() == channels) return image;
  Image result{Tensor::empty({image.height(), image.width(), channels}, image.pixels.dtype())};
  const int64_t count = image.height() * image.width();
  if (image.pixels.dtype() == DType::u8)
    convert(image.pixels.data<uint8_t>(), image.channels(), result.pixels.mutable_data<uint8_t>(), count);
  else
    convert(image.pixels.data<float>(), image.channels(), result.pixels.mutable_data<float>(), count);
  return result;
}

}  // namespace minissl
