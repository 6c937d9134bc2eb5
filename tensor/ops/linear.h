#pragma once
#include "tensor/operation.h"

namespace minissl::ops {

/// y = x weight^T + bias + residual: a linear layer, and what a residual block adds to its result. x (..., I), weight
/// (O, I), bias (O), residual and y (..., O); bias and residual may be undefined, not both. bias is f32 for x in bf16.
struct Linear {
  static constexpr const char* name = "linear";
  Tensor x, weight, bias, residual, y;
  const Tensor& dispatch() const { return x; }
  double flops() const { return 2 * static_cast<double>(y.numel()) * static_cast<double>(x.dim(-1)); }
};
void kernel(Reference, const Linear&);
void kernel(Cpu, const Linear&);
void kernel(Cuda, const Linear&);
int64_t workspace_bytes(Cpu, const Linear&);

/// Throws Error, with the shapes, where they don't fit.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& residual = {});

}  // namespace minissl::ops
