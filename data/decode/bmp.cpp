#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "data/decode/formats.h"
#include "data/decode/on_black.h"

/// Windows' and OS/2's bitmaps: BITMAPCOREHEADER to BITMAPV5HEADER of the Windows documentation. The libraries that
/// read them take what a damaged file lacks for zeros, or from memory that was never written.
namespace minissl {
namespace {

enum Compression : uint32_t { uncompressed = 0, rle8 = 1, rle4 = 2, bit_fields = 3 };

constexpr size_t file_header = 14;
constexpr uint32_t core_header = 12, info_header = 40;  // sizes of headers, by which they are known

uint32_t little_endian(std::span<const std::byte> bytes, size_t at, size_t count) {
  require(at <= bytes.size() && count <= bytes.size() - at, "cut short");
  uint32_t value = 0;
  for (size_t i = count; i-- > 0;) value = value << 8 | std::to_integer<uint32_t>(bytes[at + i]);
  return value;
}

using Color = std::array<uint8_t, 3>;

struct Header {
  int64_t width = 0, height = 0;
  int bits = 0;
  bool from_top = false;
  uint32_t compression = uncompressed;
  size_t pixels_at = 0;
  std::array<uint32_t, 4> masks{};  ///< bits of red, green, blue, alpha
  std::vector<Color> palette;

  int64_t row_bytes() const { return (width * bits + 31) / 32 * 4; }
};

void read_palette(std::span<const std::byte> bytes, size_t at, size_t entry_bytes, uint32_t used, Header& header) {
  const size_t most = size_t{1} << header.bits;
  // The pixels follow the palette, whatever number of colours the header has.
  const size_t room = header.pixels_at > at ? (header.pixels_at - at) / entry_bytes : 0;
  const size_t count = std::min({used == 0 ? most : size_t{used}, most, room});
  for (size_t i = 0; i < count; ++i) {
    const uint32_t c = little_endian(bytes, at + i * entry_bytes, 3);
    header.palette.push_back({static_cast<uint8_t>(c >> 16), static_cast<uint8_t>(c >> 8), static_cast<uint8_t>(c)});
  }
}

Header header_of(std::span<const std::byte> bytes) {
  Header header;
  header.pixels_at = little_endian(bytes, 10, 4);
  const uint32_t size = little_endian(bytes, file_header, 4);
  const bool core = size == core_header;
  const auto field = [&](size_t at, size_t count) { return little_endian(bytes, file_header + at, count); };
  header.width = core ? int64_t{field(4, 2)} : int64_t{static_cast<int32_t>(field(4, 4))};
  header.height = core ? int64_t{field(6, 2)} : int64_t{static_cast<int32_t>(field(8, 4))};
  header.bits = static_cast<int>(core ? field(10, 2) : field(14, 2));
  if (size >= info_header) header.compression = field(16, 4);
  if (header.height < 0) header.from_top = true, header.height = -header.height;
  require_decodable_size(header.width, header.height);

  switch (header.bits) {
    case 1:
    case 2:
    case 4:
    case 8:
      read_palette(bytes, file_header + size, core ? 3 : 4, size >= info_header ? field(32, 4) : 0, header);
      break;
    case 16:
      header.masks = {0x7c00, 0x3e0, 0x1f, 0};
      break;
    case 24:
    case 32:
      // The fourth byte of 32 bits means something only if the header says so.
      header.masks = {0xff0000, 0xff00, 0xff, 0};
      break;
    default:
      fail("damaged (its header says {} bits for a pixel)", header.bits);
  }
  if (header.compression == bit_fields && header.bits >= 16) {
    // The masks follow the old header, which has no fields for them; newer headers contain them at the same place.
    for (size_t c = 0; c < 3; ++c) header.masks[c] = field(info_header + 4 * c, 4);
    header.masks[3] = size >= 56 ? field(info_header + 12, 4) : 0;
  }
  return header;
}

// The value of a mask's bits, stretched to 0 to 255.
uint8_t channel(uint32_t pixel, uint32_t mask) {
  if (mask == 0) return 0;
  const int shift = std::countr_zero(mask);
  const uint64_t most = mask >> shift;
  return static_cast<uint8_t>((uint64_t{(pixel & mask) >> shift} * 255 + most / 2) / most);
}

/// Gives each pixel in the order of the file: rows from the bottom.
class Writer {
 public:
  Writer(const Header& header, Tensor pixels)
      : header_(header), channels_(pixels.dim(2)), to_(pixels.mutable_data<uint8_t>()) {}

  void index(int64_t x, int64_t row, uint32_t index) {
    if (index >= header_.palette.size()) return;  // black
    std::copy_n(header_.palette[index].begin(), 3, at(x, row));
  }
  void masked(int64_t x, int64_t row, uint32_t pixel) {
    for (int64_t c = 0; c < channels_; ++c) at(x, row)[c] = channel(pixel, header_.masks[static_cast<size_t>(c)]);
  }

 private:
  uint8_t* at(int64_t x, int64_t row) {
    const int64_t y = header_.from_top ? row : header_.height - 1 - row;
    return to_ + (y * header_.width + x) * channels_;
  }

  const Header& header_;
  int64_t channels_;
  uint8_t* to_;
};

void read_rows(const Header& header, std::span<const std::byte> data, Writer& writer) {
  const int64_t in_byte = 8 / header.bits;  // pixels, for palettes
  for (int64_t row = 0; row < header.height; ++row) {
    const auto bytes = data.subspan(static_cast<size_t>(row * header.row_bytes()));
    for (int64_t x = 0; x < header.width; ++x) {
      if (header.bits > 8) {
        const auto size = static_cast<size_t>(header.bits / 8);
        writer.masked(x, row, little_endian(bytes, static_cast<size_t>(x) * size, size));
      } else {
        const int64_t shift = 8 - header.bits * (x % in_byte + 1);
        writer.index(
            x, row,
            std::to_integer<uint32_t>(bytes[static_cast<size_t>(x / in_byte)]) >> shift & ((1U << header.bits) - 1));
      }
    }
  }
}

// Runs of equal pixels, or of pairs that alternate, and codes that begin a line, move on or end the picture.
void read_runs(const Header& header, std::span<const std::byte> data, Writer& writer) {
  size_t at = 0;
  int64_t x = 0, row = 0;
  const auto next = [&] {
    require(at < data.size(), "cut short");
    return std::to_integer<uint32_t>(data[at++]);
  };
  const bool nibbles = header.bits == 4;
  const auto put = [&](uint32_t index) {
    require(x < header.width && row < header.height, "damaged (a run beyond the picture)");
    writer.index(x++, row, index);
  };
  for (;;) {
    const uint32_t count = next(), code = next();
    if (count > 0) {
      for (uint32_t i = 0; i < count; ++i) put(!nibbles ? code : i % 2 ? code & 15 : code >> 4);
    } else if (code == 0) {
      x = 0, ++row;
    } else if (code == 1) {
      return;
    } else if (code == 2) {
      x += next(), row += next();
    } else {
      uint32_t byte = 0;
      for (uint32_t i = 0; i < code; ++i) {
        if (!nibbles || i % 2 == 0) byte = next();
        put(!nibbles ? byte : i % 2 ? byte & 15 : byte >> 4);
      }
      if ((nibbles ? (code + 1) / 2 : code) % 2) next();
    }
  }
}

}  // namespace

Image decode_bmp(std::span<const std::byte> bytes, const DecodeOptions&) {
  const Header header = header_of(bytes);
  require(header.pixels_at <= bytes.size(), "cut short");
  const auto data = bytes.subspan(header.pixels_at);
  const bool runs =
      (header.compression == rle8 && header.bits == 8) || (header.compression == rle4 && header.bits == 4);
  require(runs || header.compression == uncompressed || (header.compression == bit_fields && header.bits >= 16),
          "a BMP of {} bits with compression {} isn't supported", header.bits, header.compression);
  require(runs || header.row_bytes() * header.height <= static_cast<int64_t>(data.size()), "cut short");
  const Tensor pixels = Tensor::zeros({header.height, header.width, header.masks[3] ? 4 : 3}, DType::u8);
  Writer writer(header, pixels);
  if (runs)
    read_runs(header, data, writer);
  else
    read_rows(header, data, writer);
  return image_of(pixels);
}

}  // namespace minissl
