#include <algorithm>
#include <cmath>

#include "data/image.h"
#include "data/resample.h"

namespace minissl {
namespace {

uint8_t from_intensity(float v, uint8_t) { return static_cast<uint8_t>(std::lround(255 * clamp01(v))); }
float from_intensity(float v, float) { return v; }

template <int C, class T>
void shrink_into(const Image& from, const Image& to) {
  const float scale_x = static_cast<float>(from.width()) / static_cast<float>(to.width());
  const float scale_y = static_cast<float>(from.height()) / static_cast<float>(to.height());
  const InverseMap map{
      .x0 = 0, .xx = scale_x, .xy = 0, .y0 = 0, .yx = 0, .yy = scale_y, .scale_x = scale_x, .scale_y = scale_y};
  const Tensor sampled = Tensor::empty(to.pixels.shape());
  const float* values = sampled.data<float>();
  resample<C>(from.pixels.data<T>(), static_cast<int>(from.height()), static_cast<int>(from.width()), map,
              static_cast<int>(to.height()), static_cast<int>(to.width()), sampled.mutable_data<float>());
  std::transform(values, values + sampled.numel(), to.pixels.mutable_data<T>(),
                 [](float v) { return from_intensity(v, T{}); });
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
    image.channels() == 1 ? shrink_into<1, T>(image, small) : shrink_into<3, T>(image, small);
  };
  image.pixels.dtype() == DType::u8 ? with_type(uint8_t{}) : with_type(float{});
  return small;
}

}  // namespace minissl
