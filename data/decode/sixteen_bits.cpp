#include "data/decode/sixteen_bits.h"

#include <algorithm>

#include "data/decode/on_black.h"
#include "data/white_level.h"

namespace minissl {

namespace {

std::span<uint16_t> without_alpha(Pixels16& pixels) {
  const auto values = pixels.values();
  const int64_t count = pixels.height() * pixels.width();
  const int64_t channels = composite_on_black(values.data(), count, pixels.channels());
  pixels.drop_channels(channels);
  return pixels.values();
}

}  // namespace

Image image_of(Pixels16& pixels, int white) {
  const auto values = without_alpha(pixels);
  Image image{Tensor::empty({pixels.height(), pixels.width(), pixels.channels()})};
  const auto range = static_cast<float>(white);
  std::transform(values.begin(), values.end(), image.pixels.mutable_data<float>(),
                 [range](uint16_t v) { return std::min(static_cast<float>(v) / range, 1.0f); });
  return image;
}

Image image_of(Pixels16& pixels, const DecodeOptions& options) {
  const auto values = without_alpha(pixels);
  if (options.levels) options.levels->add(values);
  if (options.max_value != 0) return image_of(pixels, options.max_value);
  LevelCounts levels;
  levels.add(values);
  return image_of(pixels, levels.white());
}

}  // namespace minissl
