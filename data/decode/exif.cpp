#include "data/decode/exif.h"

#include <algorithm>
#include <cstring>
#include <libexif/exif-data.h>
#include <memory>
#include <string>
#include <string_view>

namespace minissl {
namespace {

constexpr std::string_view prefix("Exif\0\0", 6);

}  // namespace

int exif_orientation(std::span<const std::byte> block) {
  std::string named;
  if (block.size() < prefix.size() || std::memcmp(block.data(), prefix.data(), prefix.size()) != 0) {
    named.assign(prefix).append(reinterpret_cast<const char*>(block.data()), block.size());
    block = std::as_bytes(std::span(named));
  }
  const std::unique_ptr<ExifData, decltype(&exif_data_unref)> data(
      exif_data_new_from_data(reinterpret_cast<const unsigned char*>(block.data()),
                              static_cast<unsigned>(block.size())),
      exif_data_unref);
  if (!data) return 1;
  const ExifEntry* entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
  if (!entry || entry->format != EXIF_FORMAT_SHORT || entry->size < 2) return 1;
  const int orientation = exif_get_short(entry->data, exif_data_get_byte_order(data.get()));
  return 1 <= orientation && orientation <= 8 ? orientation : 1;
}

Image upright(const Image& image, int orientation) {
  if (orientation == 1) return image;
  const bool transposed = orientation >= 5;
  const bool mirror_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const int64_t stored_height = image.height(), stored_width = image.width();
  const int64_t height = transposed ? stored_width : stored_height;
  const int64_t width = transposed ? stored_height : stored_width;
  const auto pixel_bytes = static_cast<size_t>(image.channels() * size_of(image.pixels.dtype()));

  Image result{Tensor::empty({height, width, image.channels()}, image.pixels.dtype())};
  const std::byte* from = image.pixels.bytes_begin();
  std::byte* to = result.pixels.bytes_begin();
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x, to += pixel_bytes) {
      int64_t stored_x = transposed ? y : x, stored_y = transposed ? x : y;
      if (mirror_x) stored_x = stored_width - 1 - stored_x;
      if (mirror_y) stored_y = stored_height - 1 - stored_y;
      std::memcpy(to, from + static_cast<size_t>(stored_y * stored_width + stored_x) * pixel_bytes, pixel_bytes);
    }
  return result;
}

}  // namespace minissl
