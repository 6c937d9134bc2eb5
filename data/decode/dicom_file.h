#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace minissl {

/// The elements of a DICOM file (PS3.10, PS3.5) that describe its pixels: groups 0002 and 0028, and the pixels. Others
/// are passed over, sequences included. Points into the file's bytes; takes no memory for what is in it.
///
/// This is our own code because GDCM, as it is packaged, ends the program at damage (its assertions are compiled in),
/// and DCMTK has no JPEG 2000.
class DicomFile {
 public:
  struct Tag {
    uint16_t group, element;
    auto operator<=>(const Tag&) const = default;
  };

  /// Throws Error for a file that is damaged, cut short, or deflated.
  explicit DicomFile(std::span<const std::byte> bytes);

  /// The UID that says how the pixels are stored.
  const std::string& transfer_syntax() const { return transfer_syntax_; }
  bool big_endian() const { return big_endian_; }

  bool has(Tag tag) const { return elements_.contains(tag); }
  std::span<const std::byte> value(Tag tag) const;
  /// Without padding; the first of several values.
  std::string text(Tag tag) const;
  /// A binary number of 16 bits; nothing if the element is absent or empty.
  std::optional<uint16_t> word(Tag tag) const;
  /// A number that is written as text. Throws Error if it isn't one; nothing if the element is absent or empty.
  std::optional<double> decimal(Tag tag) const;

  /// The parts of compressed pixels, in order; empty if the pixels are not compressed.
  const std::vector<std::span<const std::byte>>& fragments() const { return fragments_; }

 private:
  class Reader;
  void read_elements(Reader& reader);

  std::string transfer_syntax_;
  bool big_endian_ = false;
  std::map<Tag, std::span<const std::byte>> elements_;
  std::vector<std::span<const std::byte>> fragments_;
};

}  // namespace minissl
