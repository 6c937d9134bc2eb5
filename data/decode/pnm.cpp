#include <algorithm>
#include <cstdint>

#include "data/decode/formats.h"
#include "data/decode/sixteen_bits.h"

/// Netpbm's formats P1 to P6 (https://netpbm.sourceforge.net/doc/): bits, grays and colours, as text or binary.
namespace minissl {
namespace {

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::span<const std::byte> left() const { return bytes_.subspan(at_); }
  /// The next number, after white space and comments.
  int64_t number() {
    skip_space();
    require(is_digit(), "damaged (no number where there should be one)");
    int64_t value = 0;
    while (is_digit()) {
      value = value * 10 + (peek() - '0');
      require(value <= max_image_pixels, "damaged (a number that is too large)");
      ++at_;
    }
    return value;
  }
  /// The next digit of a text of bits, which need no space between them.
  int bit() {
    skip_space();
    require(peek() == '0' || peek() == '1', "damaged or cut short (a bit that is neither 0 nor 1)");
    const int bit = peek() - '0';
    ++at_;
    return bit;
  }
  void skip(size_t count) { at_ = std::min(at_ + count, bytes_.size()); }

 private:
  int peek() const { return at_ < bytes_.size() ? std::to_integer<int>(bytes_[at_]) : -1; }
  bool is_digit() const { return '0' <= peek() && peek() <= '9'; }
  bool is_space() const { return peek() == ' ' || (9 <= peek() && peek() <= 13); }
  void skip_space() {
    while (is_space() || peek() == '#') {
      if (peek() == '#')
        while (peek() != '\n' && peek() != '\r' && peek() != -1) ++at_;
      else
        ++at_;
    }
  }

  std::span<const std::byte> bytes_;
  size_t at_ = 0;
};

struct Header {
  bool text = false;
  int64_t channels = 1, width = 0, height = 0, most = 1;  ///< `most`: the value of white; bits are 1 for black
  bool bits = false;
  int64_t values() const { return width * height * channels; }
};

Header read_header(Reader& reader) {
  const int kind = std::to_integer<int>(reader.left()[1]) - '0';
  reader.skip(2);
  Header header;
  header.text = kind <= 3;
  header.bits = kind == 1 || kind == 4;
  header.channels = kind == 3 || kind == 6 ? 3 : 1;
  header.width = reader.number();
  header.height = reader.number();
  if (!header.bits) header.most = reader.number();
  require(1 <= header.most && header.most <= 65535, "its header says that white is {}", header.most);
  require_decodable_size(header.width, header.height);
  reader.skip(1);  // the white space before binary data
  return header;
}

Image read_bits(const Header& header, Reader reader) {
  const int64_t row_bytes = (header.width + 7) / 8;
  // Before memory is allocated: text has at least a byte for each bit.
  require((header.text ? header.width : row_bytes) * header.height <= static_cast<int64_t>(reader.left().size()),
          "cut short");
  Image image{Tensor::empty({header.height, header.width, 1}, DType::u8)};
  auto* to = image.pixels.mutable_data<uint8_t>();
  const std::byte* packed = reader.left().data();
  for (int64_t y = 0; y < header.height; ++y)
    for (int64_t x = 0; x < header.width; ++x) {
      const int bit =
          header.text ? reader.bit() : std::to_integer<int>(packed[y * row_bytes + x / 8]) >> (7 - x % 8) & 1;
      *to++ = bit ? 0 : 255;
    }
  return image;
}

// Calls put(i, value) for each value.
template <class Put>
void read_values(const Header& header, Reader reader, Put put) {
  const auto binary = reader.left();
  const bool wide = header.most > 255;
  for (int64_t i = 0; i < header.values(); ++i) {
    const auto byte = [&](int64_t at) { return std::to_integer<int64_t>(binary[static_cast<size_t>(at)]); };
    const int64_t value = header.text ? reader.number() : wide ? byte(2 * i) << 8 | byte(2 * i + 1) : byte(i);
    require(value <= header.most, "damaged (a value of {}, but its header says that white is {})", value, header.most);
    put(i, value);
  }
}

}  // namespace

Image decode_pnm(std::span<const std::byte> bytes, const DecodeOptions& options) {
  Reader reader(bytes);
  const Header header = read_header(reader);
  if (header.bits) return read_bits(header, reader);
  // Before memory is allocated: text has at least a byte for each value.
  const int64_t value_bytes = header.text || header.most < 256 ? 1 : 2;
  require(header.values() * value_bytes <= static_cast<int64_t>(reader.left().size()), "cut short");
  if (header.most > 255) {
    Pixels16 pixels(header.height, header.width, header.channels);
    const auto values = pixels.values();
    read_values(header, reader,
                [&](int64_t i, int64_t v) { values[static_cast<size_t>(i)] = static_cast<uint16_t>(v); });
    return header.most < 65535 ? image_of(pixels, static_cast<int>(header.most)) : image_of(pixels, options);
  }
  Image image{Tensor::empty({header.height, header.width, header.channels}, DType::u8)};
  auto* to = image.pixels.mutable_data<uint8_t>();
  read_values(header, reader,
              [&](int64_t i, int64_t v) { to[i] = static_cast<uint8_t>((v * 255 + header.most / 2) / header.most); });
  return image;
}

bool pnm_needs_white_level(std::span<const std::byte> bytes) {
  try {
    Reader reader(bytes);
    return read_header(reader).most == 65535;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace minissl
