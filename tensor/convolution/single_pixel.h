#pragma once
#include "tensor/convolution/way.h"

/// Convolutions whose output is a single pixel and whose kernel has several taps, as in the last stage of a ResNet on
/// images of 32 pixels. Each tap of the kernel that meets the image is a product of matrices as they lie in memory; the
/// other taps take no part.
namespace minissl::single_pixel {

extern const Way way;

}  // namespace minissl::single_pixel
