#pragma once
#include <cstddef>
#include <span>

#include "data/image.h"

namespace minissl {

/// The orientation (1 to 8, Exif 2.3 tag 0x0112) in an Exif block that starts with "Exif\0\0", as a JPEG's APP1 segment
/// does; 1, upright, where it says none.
int exif_orientation(std::span<const std::byte> block);

/// The image turned and mirrored upright from how `orientation` says that it is stored.
Image upright(const Image& image, int orientation);

}  // namespace minissl
