#include "data/decode/on_black.h"

#include <algorithm>

namespace minissl {

Image image_of(const Tensor& pixels) {
  const int64_t height = pixels.dim(0), width = pixels.dim(1);
  Tensor with_alpha = pixels;
  const int64_t channels = composite_on_black(with_alpha.mutable_data<uint8_t>(), height * width, pixels.dim(2));
  if (channels == pixels.dim(2)) return {pixels};
  Image image{Tensor::empty({height, width, channels}, DType::u8)};
  std::copy_n(pixels.data<uint8_t>(), height * width * channels, image.pixels.mutable_data<uint8_t>());
  return image;
}

}  // namespace minissl
