#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace minissl {

/// What a PNG says about itself outside of its compressed data.
struct PngHeader {
  int64_t width = 0, height = 0;
  int bits = 0;        ///< of a channel; of an index if there is a palette
  int color_type = 0;  ///< 0 gray, 2 RGB, 3 palette, 4 gray and alpha, 6 RGBA
  bool interlaced = false;
  bool transparency = false;  ///< a tRNS chunk that applies
  int orientation = 1;        ///< Exif
};

/// Walks over a PNG's chunks and checks that every one is whole, that its checksum is right, and that the compressed
/// data are not much larger than the rows. Takes no memory. Throws Error with the reason.
PngHeader check_png_chunks(std::span<const std::byte> bytes);

/// Reads a PNG that was checked, but for the chunks that don't matter to pixels: their contents may inflate to
/// anything.
class PngPixelChunks {
 public:
  PngPixelChunks(std::span<const std::byte> bytes, const PngHeader& header);

  /// Copies the next `count` bytes. False if there are fewer.
  bool read(std::byte* to, size_t count);

 private:
  void skip_ignored();

  std::span<const std::byte> bytes_;
  bool transparency_;
  size_t at_ = 0, end_;  // the place, and where the signature or the chunk ends
};

}  // namespace minissl
