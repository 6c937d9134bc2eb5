#include "data/decode/format.h"

#include <algorithm>
#include <array>

namespace minissl {
namespace {

template <size_t n>
bool starts_with(std::span<const std::byte> bytes, const std::array<unsigned char, n>& signature) {
  return bytes.size() >= n && std::equal(signature.begin(), signature.end(), bytes.begin(),
                                         [](unsigned char a, std::byte b) { return std::byte{a} == b; });
}

constexpr std::array<unsigned char, 3> jpeg_signature = {0xff, 0xd8, 0xff};
constexpr std::array<unsigned char, 8> png_signature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

}  // namespace

ImageFormat format_of(std::span<const std::byte> first) {
  if (starts_with(first, jpeg_signature)) return ImageFormat::jpeg;
  if (starts_with(first, png_signature)) return ImageFormat::png;
  return ImageFormat::none;
}

ImageFormat format_with_extension(std::string_view extension) {
  for (const std::string_view jpeg : {"jpg", "jpeg", "jpe", "jfif"})
    if (extension == jpeg) return ImageFormat::jpeg;
  return extension == "png" ? ImageFormat::png : ImageFormat::none;
}

std::string_view name_of(ImageFormat format) {
  switch (format) {
    case ImageFormat::none:
      return "none";
    case ImageFormat::jpeg:
      return "JPEG";
    case ImageFormat::png:
      return "PNG";
  }
  return "none";
}

std::string_view unreadable_because(ImageFormat format) {
  return format == ImageFormat::none ? "not an image of a known format, by its content" : "";
}

}  // namespace minissl
