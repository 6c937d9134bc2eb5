#pragma once
#include <string>

#include "data/luma.h"
#include "tensor/tensor.h"

namespace minissl {

/// A decoded image, upright, without alpha.
struct Image {
  /// (H, W, C) with C = 1 (gray) or 3 (RGB): u8, or f32 in [0, 1] where 8 bits would lose levels (16-bit sources).
  Tensor pixels;

  int64_t height() const { return pixels.dim(0); }
  int64_t width() const { return pixels.dim(1); }
  int64_t channels() const { return pixels.dim(2); }
};

/// A file that isn't a usable image; what() is "file: reason".
class ImageError : public Error {
 public:
  ImageError(std::string file, std::string reason)
      : Error(file + ": " + reason), file_(std::move(file)), reason_(std::move(reason)) {}
  const std::string& file() const { return file_; }
  const std::string& reason() const { return reason_; }

 private:
  std::string file_, reason_;
};

/// Converts the image to `channels` = 1 or 3: gray is repeated, colours become luma. Returns the image itself (sharing
/// its pixels) if it already has that many.
Image with_channels(const Image& image, int64_t channels);

/// Shrinks the image to a shorter side of `shorter` pixels, averaging as for views. Returns the image itself (sharing
/// its pixels) if it is no larger than that.
Image shrink(const Image& image, int64_t shorter);

}  // namespace minissl
