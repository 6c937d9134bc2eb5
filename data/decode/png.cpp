#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <zlib.h>

#include "data/decode/exif.h"
#include "data/decode/formats.h"

namespace {

// stb_image inflates a stream to its end, and a crafted one of a few megabytes inflates to gigabytes. The header gives
// the size that an image needs; a buffer that grows beyond that gets no memory.
thread_local size_t largest_buffer = 0;
void* reallocate_within_limit(void* block, size_t bytes) {
  return bytes <= largest_buffer ? std::realloc(block, bytes) : nullptr;
}

}  // namespace

#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STB_IMAGE_STATIC
#define STBI_MALLOC(bytes) std::malloc(bytes)
#define STBI_REALLOC(block, bytes) reallocate_within_limit(block, bytes)
#define STBI_FREE(block) std::free(block)
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

namespace minissl {
namespace {

constexpr size_t slack = 65536;  // bytes allowed beyond those that an image needs: small ones compress badly

struct Header {
  int64_t width = 0, height = 0;
  int bits = 0;
  int color_type = 0;
  bool interlaced = false;
  int orientation = 1;
};

// The bytes of all rows before compression: in each, a filter and the pixels.
size_t bytes_of_rows(const Header& header) {
  const int64_t channels = header.color_type == 2 ? 3 : header.color_type == 4 ? 2 : header.color_type == 6 ? 4 : 1;
  const auto rows = [&](int64_t width, int64_t height) {
    return width > 0 && height > 0 ? height * (1 + (width * channels * header.bits + 7) / 8) : 0;
  };
  if (!header.interlaced) return static_cast<size_t>(rows(header.width, header.height));
  // Adam7: seven images, each of every dx-th pixel from x on and every dy-th row from y on.
  struct Pass {
    int64_t x, y, dx, dy;
  };
  constexpr Pass passes[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                             {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
  int64_t bytes = 0;
  for (const Pass& p : passes)
    bytes += rows((header.width - p.x + p.dx - 1) / p.dx, (header.height - p.y + p.dy - 1) / p.dy);
  return static_cast<size_t>(bytes);
}

uint32_t big_endian(const std::byte* b) {
  return std::to_integer<uint32_t>(b[0]) << 24 | std::to_integer<uint32_t>(b[1]) << 16 |
         std::to_integer<uint32_t>(b[2]) << 8 | std::to_integer<uint32_t>(b[3]);
}

int orientation_of(std::span<const std::byte> exif) {
  std::string block("Exif\0\0", 6);
  block.append(reinterpret_cast<const char*>(exif.data()), exif.size());
  return exif_orientation(std::as_bytes(std::span(block)));
}

// Reads the header and checks that every chunk is present and intact. stb_image skips the checksums, so damaged pixels
// would go unnoticed.
Header check_chunks(std::span<const std::byte> bytes) {
  constexpr size_t signature = 8, around = 12;  // a chunk is length, type, content, checksum
  constexpr size_t longest_exif = 1 << 16;      // as in a JPEG
  size_t compressed = 0;
  Header header;
  for (size_t at = signature;;) {
    require(bytes.size() - at >= around, "cut short (no end chunk)");
    const size_t length = big_endian(&bytes[at]);
    const std::string_view type(reinterpret_cast<const char*>(&bytes[at + 4]), 4);
    require(length <= bytes.size() - at - around, "cut short (in chunk {})", at == signature ? "IHDR" : type);
    const auto content = bytes.subspan(at + 8, length);
    const auto checksum = crc32(0, reinterpret_cast<const Bytef*>(&bytes[at + 4]), static_cast<uInt>(length + 4));
    require(big_endian(content.data() + length) == checksum, "damaged (checksum of a chunk at byte {})", at);
    if (at == signature) {
      require(type == "IHDR" && length == 13, "damaged (no header)");
      header.width = big_endian(&content[0]);
      header.height = big_endian(&content[4]);
      header.bits = std::to_integer<int>(content[8]);
      header.color_type = std::to_integer<int>(content[9]);
      header.interlaced = content[12] != std::byte{0};
      require_decodable_size(header.width, header.height);
    }
    if (type == "IDAT") compressed += length;
    if (type == "eXIf" && length <= longest_exif) header.orientation = orientation_of(content);
    if (type == "IEND") {
      require(compressed <= 2 * bytes_of_rows(header) + slack, "its rows take {} bytes, but its compressed data {}",
              bytes_of_rows(header), compressed);
      return header;
    }
    at += around + length;
  }
}

// Pixels as stb_image returns them, with 1 to 4 channels.
template <class T>
struct Decoded {
  std::unique_ptr<T, decltype(&stbi_image_free)> pixels{nullptr, stbi_image_free};
  int64_t height = 0, width = 0, channels = 0;
};

template <class T, class F>
Decoded<T> load(F stbi_load, std::span<const std::byte> bytes) {
  int width = 0, height = 0, channels = 0;
  Decoded<T> decoded;
  decoded.pixels.reset(stbi_load(reinterpret_cast<const stbi_uc*>(bytes.data()), static_cast<int>(bytes.size()), &width,
                                 &height, &channels, 0));
  require(decoded.pixels != nullptr, "damaged ({})", stbi_failure_reason());
  decoded.width = width, decoded.height = height, decoded.channels = channels;
  return decoded;
}

// Composites a value with alpha on black.
uint8_t on_black(uint8_t value, uint8_t alpha) { return static_cast<uint8_t>((value * alpha + 127) / 255); }
uint16_t on_black(uint16_t value, uint16_t alpha) {
  return static_cast<uint16_t>((uint32_t{value} * alpha + 32767u) / 65535u);
}

// Removes alpha in place; returns the number of channels left.
template <class T>
int64_t composite(T* pixels, int64_t count, int64_t channels) {
  if (channels == 1 || channels == 3) return channels;
  const int64_t colors = channels - 1;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t c = 0; c < colors; ++c)
      pixels[i * colors + c] = on_black(pixels[i * channels + c], pixels[i * channels + colors]);
  return colors;
}

int range_of(const uint16_t* values, int64_t count) {
  const int largest = count ? *std::max_element(values, values + count) : 0;
  for (int bits : {10, 12, 14})
    if (largest < 1 << bits) return (1 << bits) - 1;
  return 65535;
}

}  // namespace

Image decode_png(std::span<const std::byte> bytes, const DecodeOptions& options) {
  const Header header = check_chunks(bytes);
  largest_buffer = 2 * (2 * bytes_of_rows(header) + slack);  // buffers grow by doubling

  Image image;
  if (header.bits == 16) {
    const auto decoded = load<stbi_us>(stbi_load_16_from_memory, bytes);
    const int64_t count = decoded.height * decoded.width;
    const int64_t channels = composite(decoded.pixels.get(), count, decoded.channels);
    const int range = options.max_value ? options.max_value : range_of(decoded.pixels.get(), count * channels);
    image.pixels = Tensor::empty({decoded.height, decoded.width, channels});
    std::transform(decoded.pixels.get(), decoded.pixels.get() + count * channels, image.pixels.mutable_data<float>(),
                   [range](uint16_t v) { return std::min(static_cast<float>(v) / static_cast<float>(range), 1.0f); });
  } else {
    const auto decoded = load<stbi_uc>(stbi_load_from_memory, bytes);
    const int64_t count = decoded.height * decoded.width;
    const int64_t channels = composite(decoded.pixels.get(), count, decoded.channels);
    image.pixels = Tensor::empty({decoded.height, decoded.width, channels}, DType::u8);
    std::copy_n(decoded.pixels.get(), count * channels, image.pixels.mutable_data<uint8_t>());
  }
  return upright(image, header.orientation);
}

}  // namespace minissl
