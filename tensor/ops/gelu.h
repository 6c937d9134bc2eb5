#pragma once
#include "tensor/operation.h"

namespace minissl::ops {

/// y = gelu(x + bias), functions.h's Gelu: x, y (..., D), bias (D). The sum is not in memory.
struct BiasGelu {
  static constexpr const char* name = "bias_gelu";
  Tensor x, bias, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const BiasGelu&);
void kernel(Cpu, const BiasGelu&);
void kernel(Cuda, const BiasGelu&);

/// dx = dy gelu'(x + bias); dbias (D) = sum of dx over the rows. dx may be dy itself; dbias is undefined where
/// it is not wanted.
struct BiasGeluGradient {
  static constexpr const char* name = "bias_gelu_gradient";
  Tensor dy, x, bias, dx, dbias;
  const Tensor& dispatch() const { return dy; }
};
void kernel(Reference, const BiasGeluGradient&);
void kernel(Cpu, const BiasGeluGradient&);
void kernel(Cuda, const BiasGeluGradient&);
int64_t workspace_bytes(Cpu, const BiasGeluGradient&);

}  // namespace minissl::ops
