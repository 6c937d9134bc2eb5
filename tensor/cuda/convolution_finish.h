#pragma once
#include "tensor/ops/convolution.h"

namespace minissl::cuda {

/// What follows a convolution's sums, which y holds: y = relu(y + bias + residual). Does nothing where nothing follows.
void finish(const ops::Convolution& op);

}  // namespace minissl::cuda
