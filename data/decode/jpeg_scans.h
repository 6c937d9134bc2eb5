#pragma once
#include <cstddef>
#include <span>

namespace minissl {

/// How often a JPEG's scans visit each of its 8 x 8 blocks, on average. The work of decoding is proportional to it and
/// to the number of pixels, whatever the size of the file: a scan of a few hundred bytes can visit every block of an
/// image. Reads the markers alone, so it takes time in proportion to the file's size. 0 if there is no image.
double passes_of_jpeg(std::span<const std::byte> bytes);

}  // namespace minissl
