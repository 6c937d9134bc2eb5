#include "data/decode/decode.h"

#include <algorithm>

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
  const Image image = format == ImageFormat::jpeg ? decode_jpeg(bytes, options) : decode_png(bytes, options);
  return options.channels ? with_channels(image, options.channels) : image;
}

Image read_image(const std::filesystem::path& path, const DecodeOptions& options) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);  // fails for folders, pipes and the like too
  if (error) throw ImageError(utf8(path), error.message());
  if (size > static_cast<uintmax_t>(max_image_file_bytes))
    throw ImageError(utf8(path),
                     "a file of " + format_bytes(static_cast<int64_t>(size)) + " is too large for an image");
  const std::string content = read_file(path);
  try {
    return decode_image(std::as_bytes(std::span(content)), options);
  } catch (const Error& reason) {
    throw ImageError(utf8(path), reason.what());
  }
}

}  // namespace minissl
