#include "data/decode/png_chunks.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <libdeflate.h>
#include <string>
#include <string_view>

#include "data/decode/exif.h"
#include "data/decode/formats.h"
#include "data/decode/png_rows.h"

namespace minissl {
namespace {

constexpr size_t signature = 8, around = 12;  // a chunk is length, type, content, checksum
constexpr size_t longest_exif = 1 << 16;      // as in a JPEG
constexpr size_t slack = 65536;  // bytes allowed beyond those that an image needs: small ones compress badly

uint32_t big_endian(const std::byte* b) {
  return std::to_integer<uint32_t>(b[0]) << 24 | std::to_integer<uint32_t>(b[1]) << 16 |
         std::to_integer<uint32_t>(b[2]) << 8 | std::to_integer<uint32_t>(b[3]);
}

std::string_view type_at(std::span<const std::byte> bytes, size_t chunk) {
  return {reinterpret_cast<const char*>(&bytes[chunk + 4]), 4};
}

// A chunk's type for a message. Damage may have made anything of it.
std::string shown(std::string_view type) {
  std::string text(type);
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return !std::isalpha(c); }, '?');
  return text;
}

bool is_optional(std::string_view type) { return (type[0] & 0x20) != 0; }

PngHeader header_of(std::span<const std::byte> content) {
  PngHeader header;
  header.width = big_endian(&content[0]);
  header.height = big_endian(&content[4]);
  header.bits = std::to_integer<int>(content[8]);
  header.color_type = std::to_integer<int>(content[9]);
  header.interlaced = content[12] != std::byte{0};
  require_decodable_size(header.width, header.height);
  return header;
}

}  // namespace

size_t bytes_of_png_rows(const PngHeader& header) {
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

PngHeader check_png_chunks(std::span<const std::byte> bytes) {
  size_t compressed = 0;
  PngHeader header;
  for (size_t at = signature;;) {
    require(bytes.size() - at >= around, "cut short (no end chunk)");
    const size_t length = big_endian(&bytes[at]);
    const std::string_view type = type_at(bytes, at);
    require(length <= bytes.size() - at - around, "cut short (in chunk {})", at == signature ? "IHDR" : shown(type));
    const auto content = bytes.subspan(at + 8, length);
    const auto checksum = libdeflate_crc32(0, &bytes[at + 4], length + 4);
    require(big_endian(content.data() + length) == checksum, "damaged (checksum of a chunk at byte {})", at);
    if (at == signature) {
      require(type == "IHDR" && length == 13, "damaged (no header)");
      header = header_of(content);
    } else if (type == "IDAT") {
      compressed += length;
    } else if (type == "tRNS") {
      header.transparency = header.color_type < 4;
    } else if (type == "eXIf") {
      if (length <= longest_exif) header.orientation = exif_orientation(content);
    } else if (type == "IEND") {
      require(compressed <= 2 * bytes_of_png_rows(header) + slack, "its rows take {} bytes, but its compressed data {}",
              bytes_of_png_rows(header), compressed);
      return header;
    } else {
      require(type == "PLTE" || is_optional(type), "its chunk {} is unknown and says that it can't be left out",
              shown(type));
    }
    at += around + length;
  }
}

void for_each_png_chunk(std::span<const std::byte> bytes,
                        const std::function<void(std::string_view type, std::span<const std::byte> content)>& use) {
  for (size_t at = signature; at + around <= bytes.size();) {
    const size_t length = big_endian(&bytes[at]);
    use(type_at(bytes, at), bytes.subspan(at + 8, length));
    if (type_at(bytes, at) == "IEND") return;
    at += around + length;
  }
}

PngPixelChunks::PngPixelChunks(std::span<const std::byte> bytes, const PngHeader& header, StoredStream* rows)
    : bytes_(bytes), transparency_(header.transparency), rows_(rows), end_(signature) {}

void PngPixelChunks::skip_ignored() {
  while (at_ == end_ && at_ < bytes_.size()) {
    if (bytes_.size() - at_ < around) return;
    const size_t length = big_endian(&bytes_[at_]);
    const std::string_view type = type_at(bytes_, at_);
    end_ = at_ + around + length;
    if (rows_ != nullptr && type == "IDAT") {
      at_ = end_;
      if (!rows_done_) return begin_rows();
    } else if (is_optional(type) && !(type == "tRNS" && transparency_)) {
      at_ = end_;
    }
  }
}

void PngPixelChunks::begin_rows() {
  const auto length = static_cast<uint32_t>(rows_->size());
  for (const int shift : {24, 16, 8, 0}) before_rows_.push_back(static_cast<std::byte>(length >> shift & 0xff));
  for (const char c : {'I', 'D', 'A', 'T'}) before_rows_.push_back(static_cast<std::byte>(c));
  after_rows_.assign(4, std::byte{0});  // a checksum, which isn't compared
  in_rows_ = rows_done_ = true;
}

bool PngPixelChunks::read(std::byte* to, size_t count) {
  const auto take = [&](std::vector<std::byte>& from) {
    const size_t part = std::min(count, from.size());
    std::memcpy(to, from.data(), part);
    from.erase(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(part));
    to += part, count -= part;
  };
  while (count > 0) {
    if (in_rows_) {
      take(before_rows_);
      const size_t part = rows_->read(to, count);
      to += part, count -= part;
      if (count == 0) return true;
      take(after_rows_);
      in_rows_ = !after_rows_.empty();
      continue;
    }
    skip_ignored();
    if (in_rows_) continue;
    const size_t part = std::min(count, std::min(end_, bytes_.size()) - at_);
    if (part == 0) return false;
    std::memcpy(to, &bytes_[at_], part);
    to += part, at_ += part, count -= part;
  }
  return true;
}

}  // namespace minissl
