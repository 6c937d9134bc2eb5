#pragma once
#include <string_view>

#include "data/decode/decode.h"

/// The decoders behind decode_image(), one file each. They throw Error with the reason alone, and std::bad_alloc or
/// OutOfMemory where it is memory that is missing, which says nothing about the file.
namespace minissl {

Image decode_bmp(std::span<const std::byte> bytes, const DecodeOptions& options);
Image decode_dicom(std::span<const std::byte> bytes, const DecodeOptions& options);
Image decode_gif(std::span<const std::byte> bytes, const DecodeOptions& options);
Image decode_jpeg(std::span<const std::byte> bytes, const DecodeOptions& options);
Image decode_png(std::span<const std::byte> bytes, const DecodeOptions& options);
Image decode_pnm(std::span<const std::byte> bytes, const DecodeOptions& options);
Image decode_tiff(std::span<const std::byte> bytes, const DecodeOptions& options);
Image decode_webp(std::span<const std::byte> bytes, const DecodeOptions& options);

/// Whether `max-value` matters to an image: its values have 16 bits and nothing says what their range is. Looks at
/// headers alone. False for files that can't be decoded.
bool png_needs_white_level(std::span<const std::byte> bytes);
bool pnm_needs_white_level(std::span<const std::byte> bytes);
bool tiff_needs_white_level(std::span<const std::byte> bytes);

/// Why this build doesn't read TIFF; empty if it does.
extern const std::string_view why_no_tiff;

/// Throws Error unless an image of this size may be decoded.
void require_decodable_size(int64_t width, int64_t height);

}  // namespace minissl
