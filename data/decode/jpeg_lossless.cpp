#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "data/decode/dicom_codecs.h"

namespace minissl {
namespace {

/// A Huffman code (ITU T.81, annex C) as a table over the next 16 bits.
class HuffmanTable {
 public:
  struct Entry {
    uint8_t length = 0, symbol = 0;  ///< length 0: no code begins with these bits
  };

  /// Reads the table from the front of a segment.
  void read(std::span<const std::byte>& segment) {
    require(segment.size() >= 16, "damaged (a table of codes)");
    const auto counts = segment.first(16);
    segment = segment.subspan(16);
    entries_.assign(size_t{1} << 16, {});
    size_t at = 0;
    for (size_t length = 1; length <= 16; ++length)
      for (int n = std::to_integer<int>(counts[length - 1]); n > 0; --n) {
        const size_t covered = size_t{1} << (16 - length);
        require(!segment.empty() && at + covered <= entries_.size(), "damaged (a table of codes)");
        const Entry entry{static_cast<uint8_t>(length), std::to_integer<uint8_t>(segment[0])};
        std::fill_n(entries_.begin() + static_cast<std::ptrdiff_t>(at), covered, entry);
        segment = segment.subspan(1);
        at += covered;
      }
  }
  bool empty() const { return entries_.empty(); }
  Entry operator[](uint32_t bits) const { return entries_[bits]; }

 private:
  std::vector<Entry> entries_;
};

/// The bits of a scan up to the next marker.
class Bits {
 public:
  explicit Bits(std::span<const std::byte> bytes) : bytes_(bytes) {}

  /// The next 16 bits; zeros where the data have ended.
  uint32_t peek16() {
    while (held_ < 16) {
      const bool stuffed = at_ + 1 < bytes_.size() && bytes_[at_] == std::byte{0xff} && bytes_[at_ + 1] == std::byte{0};
      const bool ended = at_ >= bytes_.size() || (bytes_[at_] == std::byte{0xff} && !stuffed);
      bits_ = bits_ << 8 | (ended ? 0 : std::to_integer<uint64_t>(bytes_[at_]));
      if (ended) missing_ += 8;
      if (!ended) at_ += stuffed ? 2 : 1;
      held_ += 8;
    }
    return static_cast<uint32_t>(bits_ >> (held_ - 16)) & 0xffff;
  }
  void skip(int count) {
    held_ -= count;
    require(held_ >= missing_, "cut short (pixels are missing)");
  }
  /// Drops the bits that fill the last byte, and passes over a restart marker.
  void restart() {
    held_ = missing_ = 0;
    while (at_ < bytes_.size() && bytes_[at_] == std::byte{0xff}) ++at_;
    require(at_ < bytes_.size() && (std::to_integer<int>(bytes_[at_]) & 0xf8) == 0xd0, "damaged (no restart marker)");
    ++at_;
  }
  size_t place() const { return at_; }

 private:
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  uint64_t bits_ = 0;
  int held_ = 0, missing_ = 0;
};

int difference(Bits& bits, const HuffmanTable& table) {
  const HuffmanTable::Entry entry = table[bits.peek16()];
  require(entry.length > 0 && entry.symbol <= 16, "damaged (a code that doesn't exist)");
  bits.skip(entry.length);
  const int size = entry.symbol;
  if (size == 0) return 0;
  if (size == 16) return 32768;
  const auto value = static_cast<int>(bits.peek16() >> (16 - size));
  bits.skip(size);
  return value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
}

int predicted(int predictor, int left, int above, int above_left) {
  switch (predictor) {
    case 1:
      return left;
    case 2:
      return above;
    case 3:
      return above_left;
    case 4:
      return left + above - above_left;
    case 5:
      return left + ((above - above_left) >> 1);
    case 6:
      return above + ((left - above_left) >> 1);
    default:
      return (left + above) / 2;
  }
}

class Decoder {
 public:
  Decoder(std::span<const std::byte> bytes, Pixels16& to) : bytes_(bytes), to_(to) {}

  void decode() {
    require(bytes_.size() > 2 && byte(0) == 0xff && byte(1) == 0xd8, "damaged (its compressed pixels are no JPEG)");
    at_ = 2;
    for (;;) {
      const int marker = next_marker();
      if (marker == 0xd9) break;
      require(marker != 0xc0 && marker != 0xc1 && marker != 0xc2, "a JPEG of lossless DICOM that isn't lossless");
      auto content = segment();
      if (marker == 0xc4) read_tables(content);
      if (marker == 0xc3) read_frame(content);
      if (marker == 0xdd) restart_interval_ = content.size() < 2 ? 0 : word(content, 0);
      if (marker == 0xda) read_scan(content);
      if (!components_.empty() && decoded_ == components_.size()) return;
    }
    fail("cut short (pixels are missing)");
  }

 private:
  struct Component {
    int id = 0;
    bool decoded = false;
  };
  struct InScan {
    size_t channel = 0;
    const HuffmanTable* table = nullptr;
  };

  int byte(size_t i) const { return std::to_integer<int>(bytes_[i]); }
  static int word(std::span<const std::byte> b, size_t i) {
    return std::to_integer<int>(b[i]) << 8 | std::to_integer<int>(b[i + 1]);
  }
  int next_marker() {
    for (; at_ + 1 < bytes_.size(); ++at_)
      if (byte(at_) == 0xff && byte(at_ + 1) != 0 && byte(at_ + 1) != 0xff) {
        at_ += 2;
        return byte(at_ - 1);
      }
    fail("cut short (pixels are missing)");
  }
  std::span<const std::byte> segment() {
    require(bytes_.size() - at_ >= 2, "cut short");
    const auto length = static_cast<size_t>(word(bytes_, at_));
    require(length >= 2 && length <= bytes_.size() - at_, "cut short");
    const auto content = bytes_.subspan(at_ + 2, length - 2);
    at_ += length;
    return content;
  }
  void read_tables(std::span<const std::byte> content) {
    while (!content.empty()) {
      const int which = std::to_integer<int>(content[0]);
      require(which < static_cast<int>(tables_.size()), "damaged (a table of codes)");
      content = content.subspan(1);
      tables_[static_cast<size_t>(which)].read(content);
    }
  }
  void read_frame(std::span<const std::byte> content) {
    require(components_.empty() && content.size() >= 6, "damaged (its frame)");
    bits_ = std::to_integer<int>(content[0]);
    const auto count = std::to_integer<size_t>(content[5]);
    require(2 <= bits_ && bits_ <= 16 && content.size() >= 6 + 3 * count, "damaged (its frame)");
    require(word(content, 1) == to_.height() && word(content, 3) == to_.width() &&
                static_cast<int64_t>(count) == to_.channels(),
            "damaged (its compressed pixels have another size)");
    for (size_t c = 0; c < count; ++c) {
      require(content[7 + 3 * c] == std::byte{0x11}, "lossless JPEG with fewer pixels of some colours isn't supported");
      components_.push_back({std::to_integer<int>(content[6 + 3 * c])});
    }
  }
  void read_scan(std::span<const std::byte> content) {
    require(!components_.empty() && !content.empty(), "damaged (a scan before its frame)");
    const auto count = std::to_integer<size_t>(content[0]);
    require(count >= 1 && count <= components_.size() && content.size() >= 4 + 2 * count, "damaged (a scan)");
    std::vector<InScan> scan;
    for (size_t i = 0; i < count; ++i) {
      const int id = std::to_integer<int>(content[1 + 2 * i]), table = std::to_integer<int>(content[2 + 2 * i]) >> 4;
      const auto component = std::find_if(components_.begin(), components_.end(),
                                          [id](const Component& c) { return c.id == id && !c.decoded; });
      require(component != components_.end() && table < static_cast<int>(tables_.size()) &&
                  !tables_[static_cast<size_t>(table)].empty(),
              "damaged (a scan)");
      component->decoded = true;
      ++decoded_;
      scan.push_back({static_cast<size_t>(component - components_.begin()), &tables_[static_cast<size_t>(table)]});
    }
    predictor_ = std::to_integer<int>(content[1 + 2 * count]);
    shift_ = std::to_integer<int>(content[3 + 2 * count]) & 15;
    require(1 <= predictor_ && predictor_ <= 7 && shift_ < bits_, "damaged (a scan's predictor)");
    read_pixels(scan);
  }
  void read_pixels(const std::vector<InScan>& scan) {
    Bits bits(bytes_.subspan(at_));
    const auto channels = static_cast<size_t>(to_.channels()), width = static_cast<size_t>(to_.width());
    const size_t row_values = width * channels;
    // Restarts come at the ends of rows (H.1.1): the first row after one is predicted as the first of all.
    require(restart_interval_ % to_.width() == 0, "damaged (its restart interval)");
    const int64_t restart_rows = restart_interval_ / to_.width();
    for (int64_t y = 0; y < to_.height(); ++y) {
      const bool restarted = restart_rows > 0 && y > 0 && y % restart_rows == 0;
      if (restarted) bits.restart();
      const bool first_row = y == 0 || restarted;
      uint16_t* row = &to_.values()[static_cast<size_t>(y) * row_values];
      for (size_t x = 0; x < width; ++x)
        for (const InScan& c : scan) {
          uint16_t* value = row + x * channels + c.channel;
          const int left = x > 0 ? value[-static_cast<std::ptrdiff_t>(channels)] : 0;
          const uint16_t* up = first_row ? nullptr : value - row_values;
          const int guess = first_row ? (x == 0 ? 1 << (bits_ - shift_ - 1) : left)
                            : x == 0  ? *up
                                      : predicted(predictor_, left, *up, up[-static_cast<std::ptrdiff_t>(channels)]);
          *value = static_cast<uint16_t>(guess + difference(bits, *c.table));
        }
    }
    at_ += bits.place();
    if (shift_ == 0) return;
    for (const InScan& c : scan)
      for (size_t i = c.channel; i < to_.values().size(); i += channels)
        to_.values()[i] = static_cast<uint16_t>(to_.values()[i] << shift_);
  }

  std::span<const std::byte> bytes_;
  Pixels16& to_;
  size_t at_ = 0, decoded_ = 0;
  int bits_ = 0, predictor_ = 1, shift_ = 0;
  int64_t restart_interval_ = 0;
  std::array<HuffmanTable, 4> tables_;
  std::vector<Component> components_;
};

}  // namespace

void decode_lossless_jpeg(std::span<const std::byte> bytes, Pixels16& to) { Decoder(bytes, to).decode(); }

}  // namespace minissl
