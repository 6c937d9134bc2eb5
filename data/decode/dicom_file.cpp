#include "data/decode/dicom_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "tensor/error.h"

namespace minissl {
namespace {

using Tag = DicomFile::Tag;

constexpr size_t preamble = 132;  // 128 bytes of anything, and "DICM"
constexpr uint32_t undefined_length = 0xffffffff;
constexpr int deepest = 32;  // sequences within sequences
constexpr Tag item{0xfffe, 0xe000}, item_end{0xfffe, 0xe00d}, sequence_end{0xfffe, 0xe0dd};
constexpr Tag pixels{0x7fe0, 0x0010}, syntax{0x0002, 0x0010};

// The value representations whose length has 32 bits (PS3.5, table 7.1-1).
bool has_long_length(std::string_view vr) {
  constexpr std::array<std::string_view, 13> all = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ",
                                                    "SV", "UC", "UN", "UR", "UT", "UV"};
  return std::find(all.begin(), all.end(), vr) != all.end();
}

}  // namespace

/// Goes through elements. Every length is compared with what is left of the file.
class DicomFile::Reader {
 public:
  struct Element {
    Tag tag;
    uint32_t length;
    bool unknown;  ///< of VR "UN": what it holds has implicit VRs
  };

  explicit Reader(std::span<const std::byte> bytes) : left_(bytes) {}

  bool implicit = false, big_endian = false;

  std::span<const std::byte> left() const { return left_; }
  std::span<const std::byte> take(size_t count) {
    require(count <= left_.size(), "cut short");
    const auto taken = left_.first(count);
    left_ = left_.subspan(count);
    return taken;
  }
  Tag peek_tag() {
    const auto before = left_;
    const Tag tag = take_tag();
    left_ = before;
    return tag;
  }
  Element take_element() {
    const Tag tag = take_tag();
    if (implicit || tag.group == item.group) return {tag, number(4), false};
    const auto vr = take(2);
    const std::string_view name(reinterpret_cast<const char*>(vr.data()), 2);
    if (!has_long_length(name)) return {tag, number(2), false};
    take(2);
    return {tag, number(4), name == "UN"};
  }
  /// Passes over the items of a sequence of undefined length.
  void skip_sequence(int depth) {
    require(depth < deepest, "damaged (sequences within sequences)");
    for (;;) {
      const Element element = take_element();
      if (element.tag == sequence_end) return;
      require(element.tag == item, "damaged (a sequence without items)");
      if (element.length != undefined_length)
        take(element.length);
      else
        skip_item(depth);
    }
  }
  void skip(const Element& element, int depth) {
    if (element.length != undefined_length) {
      take(element.length);
      return;
    }
    const bool before = implicit;
    if (element.unknown) implicit = true;
    skip_sequence(depth);
    implicit = before;
  }

 private:
  void skip_item(int depth) {
    for (;;) {
      const Element element = take_element();
      if (element.tag == item_end) return;
      skip(element, depth + 1);
    }
  }
  uint32_t number(size_t count) {
    const auto bytes = take(count);
    uint32_t value = 0;
    for (size_t i = 0; i < count; ++i)
      value = value << 8 | std::to_integer<uint32_t>(bytes[big_endian ? i : count - 1 - i]);
    return value;
  }
  Tag take_tag() {
    const auto group = static_cast<uint16_t>(number(2));
    return {group, static_cast<uint16_t>(number(2))};
  }

  std::span<const std::byte> left_;
};

DicomFile::DicomFile(std::span<const std::byte> bytes) {
  Reader reader(bytes.subspan(std::min(bytes.size(), preamble)));
  read_elements(reader);
  require(has(pixels) || !fragments_.empty(), "a DICOM without pixels");
}

void DicomFile::read_elements(Reader& reader) {
  bool described = true;  // group 0002, which describes the file, has a form of its own
  while (!reader.left().empty()) {
    if (described && reader.peek_tag().group != 0x0002) {
      described = false;
      transfer_syntax_ = text(syntax);
      require(transfer_syntax_ != "1.2.840.10008.1.2.1.99", "a deflated DICOM isn't supported");
      reader.implicit = transfer_syntax_ == "1.2.840.10008.1.2";
      reader.big_endian = big_endian_ = transfer_syntax_ == "1.2.840.10008.1.2.2";
    }
    const auto element = reader.take_element();
    if (element.tag == pixels && element.length == undefined_length) {
      for (bool first = true;; first = false) {
        const auto part = reader.take_element();
        if (part.tag == sequence_end) break;
        require(part.tag == item, "damaged (its pixels have no parts)");
        const auto content = reader.take(part.length);
        if (!first) fragments_.push_back(content);  // the first has the places of the frames
      }
      return;
    }
    const auto before = reader.left();
    reader.skip(element, 0);
    // Of a sequence of undefined length, it is enough to know that it is there.
    if (element.tag.group == 0x0002 || element.tag.group == 0x0028 || element.tag == pixels)
      elements_.emplace(element.tag, before.first(before.size() - reader.left().size()));
    if (element.tag == pixels) return;
  }
}

std::span<const std::byte> DicomFile::value(Tag tag) const {
  const auto found = elements_.find(tag);
  return found == elements_.end() ? std::span<const std::byte>() : found->second;
}

std::string DicomFile::text(Tag tag) const {
  const auto bytes = value(tag);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  text = text.substr(0, text.find('\\'));
  constexpr std::string_view padding(" \0", 2);
  const auto begin = text.find_first_not_of(padding);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(padding) + 1 - begin));
}

std::optional<uint16_t> DicomFile::word(Tag tag) const {
  const auto bytes = value(tag);
  if (bytes.size() < 2) return {};
  const int low = big_endian_ ? 1 : 0;
  return static_cast<uint16_t>(std::to_integer<int>(bytes[static_cast<size_t>(low)]) |
                               std::to_integer<int>(bytes[static_cast<size_t>(1 - low)]) << 8);
}

std::optional<double> DicomFile::decimal(Tag tag) const {
  std::string number = text(tag);
  if (number.empty()) return {};
  if (number.front() == '+') number.erase(0, 1);
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  require(error == std::errc() && end == number.data() + number.size(),
          "damaged (element {:04x},{:04x} should be a number)", tag.group, tag.element);
  return value;
}

}  // namespace minissl
