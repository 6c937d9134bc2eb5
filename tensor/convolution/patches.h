#pragma once
#include "tensor/convolution/way.h"

/// Computes any convolution by im2col: copies the pixels under the kernel into the rows of a matrix, for a block of
/// output pixels at a time, and multiplies it by the weights. For images with few or odd channels, as in a network's
/// first layer. The result has the same bits on any number of threads.
namespace minissl::patches {

extern const Way way;

}  // namespace minissl::patches
