#include "data/decode/jpeg_scans.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace minissl {
namespace {

constexpr int soi = 0xd8, eoi = 0xd9, sos = 0xda, dht = 0xc4, jpg = 0xc8, dac = 0xcc, tem = 0x01;

bool is_frame(int marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != dht && marker != jpg && marker != dac;
}
bool is_restart(int marker) { return marker >= 0xd0 && marker <= 0xd7; }

/// Goes through a JPEG from marker to marker, as libjpeg does.
class Markers {
 public:
  explicit Markers(std::span<const std::byte> bytes) : bytes_(bytes) {}

  /// Skips entropy-coded data and stray bytes. Returns the next marker that begins a segment, or `eoi` after the last.
  int next() {
    for (; at_ + 1 < bytes_.size(); ++at_) {
      const int marker = byte(at_ + 1);
      if (byte(at_) != 0xff || marker == 0 || marker == 0xff || marker == tem || marker == soi || is_restart(marker))
        continue;
      at_ += 2;
      return marker;
    }
    return eoi;
  }
  /// The content of the segment that begins here.
  std::span<const std::byte> segment() {
    const size_t left = bytes_.size() - at_;
    const size_t length = left < 2 ? left : std::clamp<size_t>(size_t(byte(at_)) << 8 | size_t(byte(at_ + 1)), 2, left);
    const auto content = bytes_.subspan(at_, length).subspan(std::min<size_t>(length, 2));
    at_ += length;
    return content;
  }

 private:
  int byte(size_t i) const { return std::to_integer<int>(bytes_[i]); }

  std::span<const std::byte> bytes_;
  size_t at_ = 0;
};

}  // namespace

double passes_of_jpeg(std::span<const std::byte> bytes) {
  std::array<double, 256> blocks{};  // of each component, relative to one that is sampled once for every pixel
  double all_blocks = 0, visits = 0;
  Markers markers(bytes);
  for (int marker = markers.next(); marker != eoi; marker = markers.next()) {
    const auto segment = markers.segment();
    const auto byte = [&](size_t i) { return i < segment.size() ? std::to_integer<size_t>(segment[i]) : 0; };
    if (is_frame(marker) && all_blocks == 0) {
      for (size_t c = 0; c < byte(5); ++c) {
        const size_t sampling = byte(7 + 3 * c);
        blocks[byte(6 + 3 * c)] = static_cast<double>((sampling >> 4) * (sampling & 15));
        all_blocks += blocks[byte(6 + 3 * c)];
      }
    }
    if (marker == sos)
      for (size_t c = 0; c < byte(0); ++c) visits += blocks[byte(1 + 2 * c)];
  }
  return all_blocks > 0 ? visits / all_blocks : 0;
}

}  // namespace minissl
