#pragma once
#include "tensor/ops/convolution.h"

namespace minissl::cuda {

/// Finishes a convolution's sums, which y holds: y = relu(y + bias + residual). Launches nothing if none of these is
/// asked for.
void finish(const ops::Convolution& op);

}  // namespace minissl::cuda
