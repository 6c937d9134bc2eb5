#include "data/decode/format.h"

#include <algorithm>

#include "data/decode/formats.h"

namespace minissl {
namespace {

using namespace std::string_view_literals;

// Two letters would claim many texts: the size of the header that follows tells a BMP.
bool is_bmp(std::string_view first) {
  constexpr std::string_view header_sizes = "\x0c\x10\x28\x34\x38\x40\x6c\x7c"sv;
  return first.starts_with("BM") && first.size() >= 26 && header_sizes.find(first[14]) != std::string_view::npos &&
         first.substr(15, 3) == "\0\0\0"sv;
}
bool is_pnm(std::string_view first) {
  return first.size() > 2 && first[0] == 'P' && '1' <= first[1] && first[1] <= '6' &&
         " \t\r\n#"sv.find(first[2]) != std::string_view::npos;
}
bool is_tiff(std::string_view first) {
  return first.starts_with("II*\0"sv) || first.starts_with("MM\0*"sv) || first.starts_with("II+\0"sv) ||
         first.starts_with("MM\0+"sv);
}

}  // namespace

ImageFormat format_of(std::span<const std::byte> bytes) {
  const std::string_view first(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (first.starts_with("\xff\xd8\xff")) return ImageFormat::jpeg;
  if (first.starts_with("\x89PNG\r\n\x1a\n")) return ImageFormat::png;
  if (first.starts_with("GIF87a") || first.starts_with("GIF89a")) return ImageFormat::gif;
  if (first.starts_with("RIFF") && first.size() >= 12 && first.substr(8, 4) == "WEBP") return ImageFormat::webp;
  // The 128 bytes before DICOM's signature may hold anything, a TIFF's header for one.
  if (first.size() >= 132 && first.substr(128, 4) == "DICM") return ImageFormat::dicom;
  if (is_tiff(first)) return ImageFormat::tiff;
  if (is_bmp(first)) return ImageFormat::bmp;
  if (is_pnm(first)) return ImageFormat::pnm;
  return ImageFormat::none;
}

ImageFormat format_with_extension(std::string_view extension) {
  struct Usual {
    std::string_view extension;
    ImageFormat format;
  };
  static constexpr Usual usual[] = {
      {"jpg", ImageFormat::jpeg},  {"jpeg", ImageFormat::jpeg},  {"jpe", ImageFormat::jpeg},
      {"jfif", ImageFormat::jpeg}, {"png", ImageFormat::png},    {"bmp", ImageFormat::bmp},
      {"dib", ImageFormat::bmp},   {"gif", ImageFormat::gif},    {"webp", ImageFormat::webp},
      {"pgm", ImageFormat::pnm},   {"ppm", ImageFormat::pnm},    {"pbm", ImageFormat::pnm},
      {"pnm", ImageFormat::pnm},   {"tif", ImageFormat::tiff},   {"tiff", ImageFormat::tiff},
      {"dcm", ImageFormat::dicom}, {"dicom", ImageFormat::dicom}};
  for (const Usual& one : usual)
    if (one.extension == extension) return one.format;
  return ImageFormat::none;
}

std::string_view unreadable_because(ImageFormat format) {
  switch (format) {
    case ImageFormat::none:
      return "not an image of a known format, by its content";
    case ImageFormat::tiff:
      return why_no_tiff;
    default:
      return "";
  }
}

}  // namespace minissl
