#pragma once
#include "tensor/operation.h"

/// Other layouts of the same elements: how files store images and weights.
namespace minissl::ops {

/// y[n,b,a] = x[n,a,b]: x (N, A, B), y (N, B, A). With H x W as one dimension it takes NCHW to NHWC and back.
struct BatchedTranspose {
  static constexpr const char* name = "transpose";
  static constexpr bool any_type = true;
  Tensor x, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const BatchedTranspose&);
void kernel(Cuda, const BatchedTranspose&);

/// (N, C, H, W) to (N, H, W, C), which also takes weights from OIHW to OHWI.
Tensor nchw_to_nhwc(const Tensor& x);
/// (N, H, W, C) to (N, C, H, W), which also takes weights from OHWI to OIHW.
Tensor nhwc_to_nchw(const Tensor& x);
/// (A, B) to (B, A).
Tensor transpose(const Tensor& x);

}  // namespace minissl::ops
