#include <algorithm>
#include <cmath>

#include "data/augment_functions.h"
#include "data/image.h"

namespace minissl {
namespace {

uint8_t from_intensity(float v, uint8_t) { return static_cast<uint8_t>(std::lround(255 * clamp01(v))); }
float from_intensity(float v, float) { return v; }

template <int C, class T>
void resample(const Image& from, const Image& to) {
  const auto height = static_cast<int>(from.height()), width = static_cast<int>(from.width());
  const float scale_x = static_cast<float>(width) / static_cast<float>(to.width());
  const float scale_y = static_cast<float>(height) / static_cast<float>(to.height());
  const InverseMap map{
      .x0 = 0, .xx = scale_x, .xy = 0, .y0 = 0, .yx = 0, .yy = scale_y, .scale_x = scale_x, .scale_y = scale_y};
  const T* source = from.pixels.data<T>();
  T* out = to.pixels.mutable_data<T>();
  float pixel[C];
  for (int y = 0; y < to.height(); ++y)
    for (int x = 0; x < to.width(); ++x, out += C) {
      sample_pixel<C>(source, height, width, map, x, y, pixel);
      std::transform(pixel, pixel + C, out, [](float v) { return from_intensity(v, T{}); });
    }
}

}  // namespace

Image shrink(const Image& image, int64_t shorter) {
  require(shorter > 0, "an image can't shrink to {} pixels", shorter);
  const int64_t height = image.height(), width = image.width(), least = std::min(height, width);
  if (least <= shorter) return image;
  const auto scaled = [&](int64_t extent) { return (extent * shorter + least / 2) / least; };
  const Image small{Tensor::empty({scaled(height), scaled(width), image.channels()}, image.pixels.dtype())};
  const auto with_type = [&](auto type) {
    using T = decltype(type);
    image.channels() == 1 ? resample<1, T>(image, small) : resample<3, T>(image, small);
  };
  image.pixels.dtype() == DType::u8 ? with_type(uint8_t{}) : with_type(float{});
  return small;
}

}  // namespace minissl
