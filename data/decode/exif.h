#pragma once
#include <cstddef>
#include <span>

#include "data/image.h"

namespace minissl {

/// The orientation (1 to 8, Exif 2.3 tag 0x0112) in an Exif block that starts with "Exif\0\0", as a JPEG's APP1 segment
/// does; 1, upright, if it has none.
int exif_orientation(std::span<const std::byte> block);

/// Rotates and mirrors an image stored with this `orientation` so that it is upright.
Image upright(const Image& image, int orientation);

}  // namespace minissl
