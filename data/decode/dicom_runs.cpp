#include <array>
#include <cstdint>

#include "data/decode/dicom_codecs.h"

namespace minissl {
namespace {

constexpr size_t header_bytes = 64, most_segments = 15;

uint32_t little_endian(std::span<const std::byte> bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | std::to_integer<uint32_t>(bytes[at + i]);
  return value;
}

// Expands PackBits: calls put(byte) `count` times.
template <class Put>
void expand(std::span<const std::byte> segment, int64_t count, Put put) {
  size_t at = 0;
  const auto next = [&] {
    require(at < segment.size(), "cut short (run lengths)");
    return std::to_integer<int>(segment[at++]);
  };
  while (count > 0) {
    const int code = next();
    if (code == 128) continue;
    const int length = code < 128 ? code + 1 : 257 - code;
    require(length <= count, "damaged (a run beyond the picture)");
    const int repeated = code < 128 ? 0 : next();
    for (int i = 0; i < length; ++i) put(code < 128 ? next() : repeated);
    count -= length;
  }
}

}  // namespace

void decode_dicom_runs(std::span<const std::byte> bytes, int bytes_of_value, Pixels16& to) {
  require(bytes.size() >= header_bytes, "cut short (run lengths)");
  const int64_t channels = to.channels(), segments = little_endian(bytes, 0);
  require(segments == channels * bytes_of_value && segments <= static_cast<int64_t>(most_segments),
          "damaged ({} segments of run lengths)", segments);
  const auto values = to.values();
  std::fill(values.begin(), values.end(), uint16_t{0});
  // A segment for each byte of each channel, the most significant first.
  for (int64_t s = 0; s < segments; ++s) {
    const size_t begin = little_endian(bytes, static_cast<size_t>(4 + 4 * s));
    require(begin <= bytes.size(), "cut short (run lengths)");
    auto at = static_cast<size_t>(s / bytes_of_value);
    expand(bytes.subspan(begin), to.height() * to.width(), [&](int byte) {
      values[at] = static_cast<uint16_t>(values[at] << 8 | byte);
      at += static_cast<size_t>(channels);
    });
  }
}

}  // namespace minissl
