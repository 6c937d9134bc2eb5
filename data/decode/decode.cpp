#include "data/decode/decode.h"

#include <algorithm>
#include <fstream>

#include "data/decode/format.h"
#include "data/decode/formats.h"
#include "tensor/input_file.h"
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

// A file's bytes, in memory that the allocator keeps for the next file: the system's would be cleared for each of them.
Tensor read_whole(const std::filesystem::path& path) {
  const TagScope tag(MemoryTag::data);
  try {
    const InputFile file(path);
    require(file.size() <= max_image_file_bytes, "a file of {} is too large for an image", format_bytes(file.size()));
    const Tensor content = Tensor::empty({file.size()}, DType::u8);
    file.read_at(0, content.bytes_begin(), static_cast<size_t>(file.size()));
    return content;
  } catch (const OutOfMemory&) {
    throw;
  } catch (const Error& error) {
    const std::string reason = error.what(), prefix = path.string() + ": ";
    throw ImageError(utf8(path), reason.starts_with(prefix) ? reason.substr(prefix.size()) : reason);
  }
}

std::span<const std::byte> bytes_of(const Tensor& content) {
  return {content.bytes_begin(), static_cast<size_t>(content.bytes())};
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
  const Tensor content = read_whole(path);
  try {
    return decode_image(bytes_of(content), options);
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
  return levels_of_image(bytes_of(read_whole(path)));
}

}  // namespace minissl
