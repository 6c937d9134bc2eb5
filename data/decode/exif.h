#pragma once
#include <cstddef>
#include <span>

#include "data/image.h"

namespace minissl {

/// The orientation (1 to 8, Exif 2.3 tag 0x0112) in an Exif block; 1, upright, if it has none. The block may start with
/// "Exif\0\0", as in a JPEG's APP1 segment, or not, as in a PNG.
int exif_orientation(std::span<const std::byte> block);

/// Rotates and mirrors an image stored with this `orientation` so that it is upright.
Image upright(const Image& image, int orientation);

}  // namespace minissl
