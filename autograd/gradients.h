#pragma once
#include <vector>

#include "tensor/tensor.h"

/// What derivatives have in common; internal.
namespace minissl {

using Gradients = std::vector<Tensor>;

/// Another shape, the same type and device.
inline Tensor like(const Tensor& t, const Shape& shape) { return Tensor::empty(shape, t.dtype(), t.device()); }

}  // namespace minissl
