#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "data/image.h"
#include "data/white_level.h"

namespace minissl {

struct DecodeOptions {
  /// 1: gray, 3: RGB, 0: as in the file.
  int channels = 0;
  /// 16-bit files that don't say what is white (PNG, TIFF, PGM and PPM up to 65535): the value that becomes 1.0; larger
  /// ones are clipped. 0 chooses for the image alone, from its own values (data/white_level.h). Images of one detector
  /// are made for one white level, so open_dataset() chooses it for all images of a data set together. Files of 8 bits
  /// are always divided by 255.
  int max_value = 0;
  /// If not null, the values to which `max_value` applies are counted here.
  LevelCounts* levels = nullptr;
};

/// The most pixels that an image may have. Checked in the header, before memory is allocated.
inline constexpr int64_t max_image_pixels = 100'000'000;
/// The most times that the scans of a JPEG may visit each of its blocks, on average; photographs have 1 to 10. This
/// bounds the time of a decoding in proportion to the pixels, since a scan of a few hundred bytes can visit every
/// block.
inline constexpr int max_jpeg_passes = 32;
/// The largest file that is read.
inline constexpr int64_t max_image_file_bytes = int64_t{512} << 20;

/// Reads a file of any format of data/decode/format.h, told by its content. What is read of each, by which library, and
/// what is refused: docs/data.md. Applies orientation, composites alpha on black. Damaged and truncated files are
/// rejected, never partly decoded. Throws ImageError; OutOfMemory or std::bad_alloc if memory is short, which says
/// nothing about the file.
///
/// The image's size in the header and the size of the file bound time and memory, whatever the file holds. In addition
/// to the file and the result, and buffers for a few rows:
///
/// | format | memory |
/// | --- | --- |
/// | JPEG | with several scans, 2 bytes for each pixel and component |
/// | PNG | its compressed data and its rows; with 16 bits or alpha, the pixels a second time |
/// | WebP | 4 bytes a pixel, twice |
/// | PNM, 16 bits | the pixels a second time |
/// | TIFF | 4 bytes a pixel; with 16 bits the pixels a second time, and a block of them (a strip or tile) |
/// | DICOM | 2 bytes a value; JPEG 2000: 12 bytes a value; the compressed pixels a second time if in several parts |
///
/// A JPEG with more than max_jpeg_passes, and a PNG whose compressed data are more than twice its rows, are refused
/// before they are decoded. What a PNG's compressed data hold beyond its rows is not inflated.
Image read_image(const std::filesystem::path& path, const DecodeOptions& options = {});

/// The same from memory. Throws Error with the reason alone.
Image decode_image(std::span<const std::byte> bytes, const DecodeOptions& options = {});

/// Counts the values of a file to which `max_value` applies. For any other, nothing is counted and nothing decoded.
LevelCounts levels_of_file(const std::filesystem::path& path);
/// The same from memory.
LevelCounts levels_of_image(std::span<const std::byte> bytes);

}  // namespace minissl
