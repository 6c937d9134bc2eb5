#pragma once
#include "data/decode/decode.h"

/// The decoders behind decode_image(), one file each. Throw Error with the reason alone.
namespace minissl {

Image decode_jpeg(std::span<const std::byte> bytes, const DecodeOptions& options);
Image decode_png(std::span<const std::byte> bytes, const DecodeOptions& options);

/// Throws Error unless an image of this size may be decoded.
void require_decodable_size(int64_t width, int64_t height);

}  // namespace minissl
