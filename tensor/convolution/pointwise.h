#pragma once
#include "tensor/convolution/way.h"

/// 1x1 convolutions at stride 1: matrix products, because images are (pixels, channels) in memory.
namespace minissl::pointwise {

extern const Way way;

}  // namespace minissl::pointwise
