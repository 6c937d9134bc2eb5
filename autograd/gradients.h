#pragma once
#include <vector>

#include "tensor/tensor.h"

/// Shared by the derivatives; internal.
namespace minissl {

using Gradients = std::vector<Tensor>;

/// A tensor of another shape, with the same type and device.
inline Tensor like(const Tensor& t, const Shape& shape) { return Tensor::empty(shape, t.dtype(), t.device()); }

}  // namespace minissl
