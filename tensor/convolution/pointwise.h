#pragma once
#include "tensor/convolution/way.h"

/// Convolutions with a kernel of one pixel: plain matrix products, as images are (pixels, channels) in memory.
namespace minissl::pointwise {

extern const Way way;

}  // namespace minissl::pointwise
