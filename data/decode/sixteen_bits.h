#pragma once
#include <cstdint>
#include <span>

#include "data/decode/decode.h"

namespace minissl {

/// Pixels of 16 bits, which no Tensor has: (height, width, channels) values in the machine's order.
class Pixels16 {
 public:
  Pixels16(int64_t height, int64_t width, int64_t channels)
      : height_(height),
        width_(width),
        channels_(channels),
        bytes_(Tensor::empty({height, width, channels * 2}, DType::u8)) {}

  int64_t height() const { return height_; }
  int64_t width() const { return width_; }
  int64_t channels() const { return channels_; }
  std::span<uint16_t> values() {
    return {reinterpret_cast<uint16_t*>(bytes_.bytes_begin()), static_cast<size_t>(height_ * width_ * channels_)};
  }
  /// The first `channels` of each pixel were moved together.
  void drop_channels(int64_t channels) { channels_ = channels; }

 private:
  int64_t height_, width_, channels_;
  Tensor bytes_;
};

/// The image of pixels with 1 to 4 channels, of which the second or fourth is alpha. `white` becomes 1, larger values
/// are clipped. Composites on black, in place.
Image image_of(Pixels16& pixels, int white);
/// The same for a file that doesn't say what is white: `options` say it, and may want the values counted.
Image image_of(Pixels16& pixels, const DecodeOptions& options);

}  // namespace minissl
