#include "data/decode/decode.h"

#include <algorithm>
#include <fstream>

#include "data/decode/format.h"
#include "data/decode/formats.h"
#include "tensor/atomic_file.h"
#include "tensor/memory.h"

namespace minissl {
namespace {

std::string utf8(const std::filesystem::path& path) {
  const auto text = path.u8string();
  return {text.begin(), text.end()};
}

Image decode(ImageFormat format, std::span<const std::byte> bytes, const DecodeOptions& options) {
  switch (format) {
    case ImageFormat::none:
      break;
    case ImageFormat::bmp:
      return decode_bmp(bytes, options);
    case ImageFormat::dicom:
      return decode_dicom(bytes, options);
    case ImageFormat::gif:
      return decode_gif(bytes, options);
    case ImageFormat::jpeg:
      return decode_jpeg(bytes, options);
    case ImageFormat::png:
      return decode_png(bytes, options);
    case ImageFormat::pnm:
      return decode_pnm(bytes, options);
    case ImageFormat::tiff:
      return decode_tiff(bytes, options);
    case ImageFormat::webp:
      return decode_webp(bytes, options);
  }
  fail("{}", unreadable_because(ImageFormat::none));
}

bool needs_white_level(std::span<const std::byte> bytes) {
  switch (format_of(bytes.first(std::min(bytes.size(), signature_bytes)))) {
    case ImageFormat::png:
      return png_needs_white_level(bytes);
    case ImageFormat::pnm:
      return pnm_needs_white_level(bytes);
    case ImageFormat::tiff:
      return tiff_needs_white_level(bytes);
    default:
      return false;
  }
}

std::string read_whole(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);  // fails for folders, pipes and the like too
  if (error) throw ImageError(utf8(path), error.message());
  if (size > static_cast<uintmax_t>(max_image_file_bytes))
    throw ImageError(utf8(path),
                     "a file of " + format_bytes(static_cast<int64_t>(size)) + " is too large for an image");
  return read_file(path);
}

}  // namespace

void require_decodable_size(int64_t width, int64_t height) {
  require(width > 0 && height > 0, "its header says {} x {} pixels", width, height);
  require(width <= max_image_pixels / height,
          "its header says {} x {} pixels, more than the {} million that are decoded", width, height,
          max_image_pixels / 1'000'000);
}

Image decode_image(std::span<const std::byte> bytes, const DecodeOptions& options) {
  require(options.channels == 0 || options.channels == 1 || options.channels == 3,
          "an image has 1 or 3 channels, not {}", options.channels);
  require(options.max_value >= 0 && options.max_value <= 65535, "`max-value` is 1 to 65535, or 0 for automatic, not {}",
          options.max_value);
  require(!bytes.empty(), "the file is empty");
  const TagScope tag(MemoryTag::data);
  const ImageFormat format = format_of(bytes.first(std::min(bytes.size(), signature_bytes)));
  require(unreadable_because(format).empty(), "{}", unreadable_because(format));
  const Image image = decode(format, bytes, options);
  return options.channels ? with_channels(image, options.channels) : image;
}

LevelCounts levels_of_image(std::span<const std::byte> bytes) {
  LevelCounts levels;
  if (needs_white_level(bytes)) decode_image(bytes, {.max_value = 65535, .levels = &levels});
  return levels;
}

Image read_image(const std::filesystem::path& path, const DecodeOptions& options) {
  const std::string content = read_whole(path);
  try {
    return decode_image(std::as_bytes(std::span(content)), options);
  } catch (const OutOfMemory&) {
    throw;
  } catch (const Error& reason) {
    throw ImageError(utf8(path), reason.what());
  }
}

LevelCounts levels_of_file(const std::filesystem::path& path) {
  // Most files tell by their first bytes that they have 8 bits. A TIFF may have its header anywhere.
  std::string first(4096, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(first.data(), static_cast<std::streamsize>(first.size()));
  first.resize(static_cast<size_t>(file.gcount()));
  const auto bytes = std::as_bytes(std::span(first));
  const bool header_is_first = format_of(bytes.first(std::min(bytes.size(), signature_bytes))) != ImageFormat::tiff;
  if (header_is_first && !needs_white_level(bytes)) return {};
  const std::string content = read_whole(path);
  return levels_of_image(std::as_bytes(std::span(content)));
}

}  // namespace minissl
