#pragma once
#include <cstddef>
#include <vector>

#include "data/image.h"

namespace minissl {

/// A JPEG file of a u8 image, gray or RGB. `quality` is 1 to 100, as libjpeg means it.
std::vector<std::byte> encode_jpeg(const Image& image, int quality);

}  // namespace minissl
