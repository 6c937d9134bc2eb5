#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "data/decode/dicom_pixels.h"
#include "data/decode/formats.h"

namespace minissl {
namespace {

using Tag = DicomFile::Tag;
constexpr Tag padding_tag{0x0028, 0x0120}, padding_limit{0x0028, 0x0121}, window_center{0x0028, 0x1050},
    window_width{0x0028, 0x1051}, intercept_tag{0x0028, 0x1052}, slope_tag{0x0028, 0x1053},
    window_function{0x0028, 0x1056}, modality_table{0x0028, 0x3000};

/// From a value, rescaled, to brightness in [0, 1] (PS3.3, C.11.2.1.2).
class Window {
 public:
  /// The window of the file; the range from `low` to `high` if it has none.
  Window(const DicomFile& file, double low, double high) : center_((low + high) / 2), width_(high - low), name_(exact) {
    const auto center = file.decimal(window_center), width = file.decimal(window_width);
    if (!center || !width) return;
    center_ = *center, width_ = *width;
    name_ = file.text(window_function);
    if (name_.empty()) name_ = linear;
    require(name_ == linear || name_ == exact || name_ == sigmoid, "a DICOM with window function {} isn't supported",
            name_);
    require(width_ >= (name_ == linear ? 1 : 1e-9), "damaged (a window {} wide)", width_);
  }

  double operator()(double x) const {
    if (name_ == sigmoid) return 1 / (1 + std::exp(-4 * (x - center_) / width_));
    if (name_ == exact) return std::clamp((x - center_) / width_ + 0.5, 0.0, 1.0);
    if (x <= center_ - 0.5 - (width_ - 1) / 2) return 0;
    if (x > center_ - 0.5 + (width_ - 1) / 2) return 1;
    return (x - (center_ - 0.5)) / (width_ - 1) + 0.5;
  }

 private:
  static constexpr const char *linear = "LINEAR", *exact = "LINEAR_EXACT", *sigmoid = "SIGMOID";
  double center_, width_;
  std::string name_;
};

// The brightness of each stored value.
std::vector<float> brightness(const DicomFile& file, const DicomLayout& layout) {
  const int values = 1 << layout.bits_stored;
  const auto number = [&](int stored) { return layout.is_signed && stored >= values / 2 ? stored - values : stored; };
  require(!file.has(modality_table), "a DICOM whose values need a table (Modality LUT) isn't supported");
  const double slope = file.decimal(slope_tag).value_or(1), intercept = file.decimal(intercept_tag).value_or(0);
  require(slope != 0 && std::isfinite(slope) && std::isfinite(intercept), "damaged (its rescale slope is {})", slope);
  const double least = slope * (layout.is_signed ? -values / 2 : 0) + intercept;
  const double most = slope * (layout.is_signed ? values / 2 - 1 : values - 1) + intercept;
  const Window window(file, std::min(least, most), std::max(least, most));

  const auto padding = file.word(padding_tag);
  const auto as_stored = [&](uint16_t word) { return number(word & (values - 1)); };
  int first_padding = 1, last_padding = 0;
  if (padding) {
    const int a = as_stored(*padding), b = as_stored(file.word(padding_limit).value_or(*padding));
    first_padding = std::min(a, b), last_padding = std::max(a, b);
  }
  std::vector<float> result(static_cast<size_t>(values));
  for (int stored = 0; stored < values; ++stored) {
    const int value = number(stored);
    if (first_padding <= value && value <= last_padding) continue;  // black
    const double y = window(slope * value + intercept);
    result[static_cast<size_t>(stored)] = static_cast<float>(layout.photometric == "MONOCHROME1" ? 1 - y : y);
  }
  return result;
}

Image gray_of(const DicomFile& file, const DicomLayout& layout, Pixels16& pixels) {
  const auto light = brightness(file, layout);
  const auto values = pixels.values();
  const bool deep = layout.bits_stored > 8;
  Image image{Tensor::empty({layout.height, layout.width, 1}, deep ? DType::f32 : DType::u8)};
  if (deep)
    std::transform(values.begin(), values.end(), image.pixels.mutable_data<float>(),
                   [&](uint16_t v) { return light[v]; });
  else
    std::transform(values.begin(), values.end(), image.pixels.mutable_data<uint8_t>(),
                   [&](uint16_t v) { return static_cast<uint8_t>(std::lround(255 * light[v])); });
  return image;
}

// Colour tables (PS3.3, C.7.6.3.1.5): for each of red, green and blue the number of entries, the value of the first,
// their bits; and the entries.
Image palette_color_of(const DicomFile& file, const DicomLayout& layout, Pixels16& pixels) {
  Image image{Tensor::empty({layout.height, layout.width, 3}, DType::u8)};
  auto* to = image.pixels.mutable_data<uint8_t>();
  const auto values = pixels.values();
  for (uint16_t c = 0; c < 3; ++c) {
    const auto descriptor = file.value({0x0028, static_cast<uint16_t>(0x1101 + c)});
    const auto table = file.value({0x0028, static_cast<uint16_t>(0x1201 + c)});
    require(descriptor.size() >= 6 && !table.empty(), "a DICOM without a plain table of its colours isn't supported");
    const auto word = [&](std::span<const std::byte> b, size_t i) {
      const int first = std::to_integer<int>(b[2 * i]), second = std::to_integer<int>(b[2 * i + 1]);
      return file.big_endian() ? first << 8 | second : second << 8 | first;
    };
    const int entries = word(descriptor, 0) == 0 ? 65536 : word(descriptor, 0), first = word(descriptor, 1);
    const bool bytes = word(descriptor, 2) == 8 && table.size() < 2 * static_cast<size_t>(entries);
    require(table.size() >= static_cast<size_t>(entries) * (bytes ? 1 : 2), "cut short (a table of colours)");
    for (size_t i = 0; i < values.size(); ++i) {
      // Values before and after the table have its first and its last colour.
      const auto index = static_cast<size_t>(std::clamp(values[i] - first, 0, entries - 1));
      to[3 * i + c] = static_cast<uint8_t>(bytes                      ? std::to_integer<int>(table[index])
                                           : word(descriptor, 2) == 8 ? word(table, index)
                                                                      : word(table, index) >> 8);
    }
  }
  return image;
}

uint8_t to_byte(double value) { return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0))); }

Image color_of(const DicomLayout& layout, Pixels16& pixels) {
  require(layout.bits_stored == 8 && !layout.is_signed, "a DICOM of colours with {} bits isn't supported",
          layout.bits_stored);
  const bool ybr = layout.photometric == "YBR_FULL";
  require(ybr || layout.photometric == "RGB", "a DICOM with colour model {} isn't supported", layout.photometric);
  Image image{Tensor::empty({layout.height, layout.width, 3}, DType::u8)};
  auto* to = image.pixels.mutable_data<uint8_t>();
  const auto values = pixels.values();
  for (size_t i = 0; i < values.size(); i += 3) {
    const double y = values[i], cb = values[i + 1] - 128.0, cr = values[i + 2] - 128.0;
    to[i] = ybr ? to_byte(y + 1.402 * cr) : static_cast<uint8_t>(values[i]);
    to[i + 1] = ybr ? to_byte(y - 0.344136 * cb - 0.714136 * cr) : static_cast<uint8_t>(values[i + 1]);
    to[i + 2] = ybr ? to_byte(y + 1.772 * cb) : static_cast<uint8_t>(values[i + 2]);
  }
  return image;
}

}  // namespace

Image decode_dicom(std::span<const std::byte> bytes, const DecodeOptions&) {
  const DicomFile file(bytes);
  DicomLayout layout(file);
  Pixels16 pixels = read_dicom_pixels(file, layout);
  if (layout.channels == 3) return color_of(layout, pixels);
  if (layout.photometric == "PALETTE COLOR") return palette_color_of(file, layout, pixels);
  require(layout.photometric == "MONOCHROME1" || layout.photometric == "MONOCHROME2",
          "a DICOM with colour model {} isn't supported", layout.photometric);
  return gray_of(file, layout, pixels);
}

}  // namespace minissl
