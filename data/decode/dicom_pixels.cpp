#include "data/decode/dicom_pixels.h"

#include <algorithm>

#include "data/decode/dicom_codecs.h"
#include "data/decode/formats.h"

namespace minissl {
namespace {

constexpr DicomFile::Tag samples{0x0028, 0x0002}, photometric_tag{0x0028, 0x0004}, planar{0x0028, 0x0006},
    frames{0x0028, 0x0008}, rows{0x0028, 0x0010}, columns{0x0028, 0x0011}, allocated{0x0028, 0x0100},
    stored{0x0028, 0x0101}, high{0x0028, 0x0102}, representation{0x0028, 0x0103}, pixel_data{0x7fe0, 0x0010};

void read_uncompressed(const DicomFile& file, const DicomLayout& layout, Pixels16& to) {
  const auto bytes = file.value(pixel_data);
  const auto values = to.values();
  const size_t bytes_of_value = layout.bits_allocated == 16 ? 2 : 1;
  require(bytes.size() >= values.size() * bytes_of_value, "cut short (pixels are missing)");
  require(!file.big_endian() || bytes_of_value == 2, "a big-endian DICOM of 8 bits isn't supported");
  const auto byte = [&](size_t i) { return std::to_integer<uint32_t>(bytes[i]); };
  const size_t low = file.big_endian() ? 1 : 0;
  const auto channels = static_cast<size_t>(layout.channels), count = values.size() / channels;
  for (size_t i = 0; i < count; ++i)
    for (size_t c = 0; c < channels; ++c) {
      const size_t from = layout.planes ? c * count + i : i * channels + c;
      const uint32_t value = bytes_of_value == 2 ? byte(2 * from + low) | byte(2 * from + 1 - low) << 8 : byte(from);
      values[i * channels + c] = static_cast<uint16_t>(value >> (layout.high_bit + 1 - layout.bits_stored));
    }
}

// JPEG of 8 bits, whose colours libjpeg converts.
void read_jpeg(std::span<const std::byte> bytes, DicomLayout& layout, Pixels16& to) {
  require(layout.bits_stored <= 8, "lossy JPEG of {} bits isn't supported", layout.bits_stored);
  const Image image = decode_jpeg(bytes, {});
  require(image.height() == to.height() && image.width() == to.width() && image.channels() == to.channels(),
          "damaged (its compressed pixels have another size)");
  std::copy_n(image.pixels.data<uint8_t>(), image.pixels.numel(), to.values().begin());
  if (layout.channels == 3) layout.photometric = "RGB";
}

void read_compressed(const DicomFile& file, std::span<const std::byte> bytes, DicomLayout& layout, Pixels16& to) {
  // The names of transfer syntaxes (PS3.6, table A-1) that begin with 1.2.840.10008.1.2.
  constexpr std::string_view common = "1.2.840.10008.1.2.";
  const std::string& name = file.transfer_syntax();
  const std::string kind = name.starts_with(common) ? name.substr(common.size()) : "";
  if (kind == "5") return decode_dicom_runs(bytes, layout.bits_allocated / 8, to);
  if (kind == "4.50" || kind == "4.51") return read_jpeg(bytes, layout, to);
  if (kind == "4.57" || kind == "4.70") return decode_lossless_jpeg(bytes, to);
  if (kind == "4.80" || kind == "4.81") return decode_jpeg_ls(bytes, to);
  if (kind == "4.90" || kind == "4.91") {
    decode_jpeg_2000(bytes, to);
    if (layout.photometric == "YBR_RCT" || layout.photometric == "YBR_ICT") layout.photometric = "RGB";
    return;
  }
  fail("a DICOM with transfer syntax {} isn't supported", name);
}

}  // namespace

DicomLayout::DicomLayout(const DicomFile& file) {
  const auto number = [&](DicomFile::Tag tag, const char* what) {
    const auto value = file.word(tag);
    require(value.has_value(), "damaged (it doesn't say its {})", what);
    return int{*value};
  };
  const double count = file.decimal(frames).value_or(1);
  require(count <= 1, "it has {:.0f} frames; write each to a file of its own", count);
  height = number(rows, "rows"), width = number(columns, "columns");
  require_decodable_size(width, height);
  channels = file.word(samples).value_or(1);
  bits_allocated = number(allocated, "bits allocated"), bits_stored = number(stored, "bits stored");
  high_bit = file.word(high).value_or(static_cast<uint16_t>(bits_stored - 1));
  is_signed = file.word(representation).value_or(0) == 1;
  planes = file.word(planar).value_or(0) == 1;
  photometric = file.text(photometric_tag);
  require(channels == 1 || channels == 3, "a DICOM of {} channels isn't supported", channels);
  require(bits_allocated == 8 || bits_allocated == 16, "a DICOM of {} bits isn't supported", bits_allocated);
  require(1 <= bits_stored && bits_stored <= bits_allocated && bits_stored - 1 <= high_bit && high_bit < bits_allocated,
          "damaged ({} bits stored, the highest of them bit {}, in {})", bits_stored, high_bit, bits_allocated);
}

Pixels16 read_dicom_pixels(const DicomFile& file, DicomLayout& layout) {
  const auto& fragments = file.fragments();
  std::string joined;
  std::span<const std::byte> bytes;
  if (fragments.size() == 1) {
    bytes = fragments[0];
  } else {
    for (const auto part : fragments) joined.append(reinterpret_cast<const char*>(part.data()), part.size());
    bytes = std::as_bytes(std::span(joined));
  }
  Pixels16 pixels(layout.height, layout.width, layout.channels);
  if (file.has(pixel_data))
    read_uncompressed(file, layout, pixels);
  else
    read_compressed(file, bytes, layout, pixels);
  const auto mask = static_cast<uint16_t>((1 << layout.bits_stored) - 1);
  for (uint16_t& value : pixels.values()) value &= mask;
  return pixels;
}

}  // namespace minissl
