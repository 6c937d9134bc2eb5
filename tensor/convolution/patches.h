#pragma once
#include "tensor/convolution/way.h"

/// Any convolution as products of matrices whose rows are the patches under the kernel (im2col), some of them at a
/// time: for images of few or odd channels, as a network's first layer has. Gives the same bits on any number of
/// threads.
namespace minissl::patches {

extern const Way way;

}  // namespace minissl::patches
