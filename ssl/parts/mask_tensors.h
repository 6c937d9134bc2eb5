#pragma once
#include "tensor/tensor.h"

/// The tensors of masked image modelling that training does not need, for inspection: on the CPU, from the noise (N, L)
/// that chose the patches (ops::RandomMask).
namespace minissl {

/// The patches in ascending noise, i64 (N, L).
Tensor order_of(const Tensor& noise);
/// The place of each patch in that order, i64 (N, L).
Tensor restore_of(const Tensor& noise);
/// 1 where a patch is hidden, (N, L): all but the `kept` of least noise.
Tensor hidden_of(const Tensor& noise, int64_t kept, DType dtype);
/// The mean of the squared differences of each patch, (N, L), of predictions and targets (N, L, P).
Tensor errors_of_patches(const Tensor& pred, const Tensor& target);

}  // namespace minissl
