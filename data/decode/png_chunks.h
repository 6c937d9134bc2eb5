#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace minissl {

/// The properties of a PNG, from its header and the chunks around its compressed data.
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

/// The bytes of all rows before compression: in each, a filter and the pixels.
size_t bytes_of_png_rows(const PngHeader& header);

/// Calls `use` for each chunk of a PNG that was checked.
void for_each_png_chunk(std::span<const std::byte> bytes,
                        const std::function<void(std::string_view type, std::span<const std::byte> content)>& use);

class StoredStream;

/// Reads a PNG that was checked, but for the chunks that don't matter to pixels: their contents may inflate to
/// anything. If its rows are known, their stream takes the place of the compressed data.
class PngPixelChunks {
 public:
  PngPixelChunks(std::span<const std::byte> bytes, const PngHeader& header, StoredStream* rows = nullptr);

  /// Copies the next `count` bytes. False if there are fewer.
  bool read(std::byte* to, size_t count);

 private:
  void skip_ignored();
  void begin_rows();

  std::span<const std::byte> bytes_;
  bool transparency_;
  StoredStream* rows_;
  size_t at_ = 0, end_;                              // the place, and where the signature or the chunk ends
  std::vector<std::byte> before_rows_, after_rows_;  // of the chunk that takes the place of the others
  bool in_rows_ = false, rows_done_ = false;
};

}  // namespace minissl
