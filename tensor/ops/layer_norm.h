#pragma once
#include "tensor/operation.h"

namespace minissl::ops {

/// Layer normalisation (Ba, Kiros and Hinton 2016, "Layer normalization", eq. 3 and 4) of each row x[n] over its D
/// elements:
///   y[n,d] = weight[d] (x[n,d] - mean[n]) rstd[n] + bias[d],  rstd[n] = 1 / sqrt(variance[n] + eps)
/// with the biased variance. x, y (..., D), weight, bias (D); mean, rstd (N), one number for each row, are undefined
/// where no gradient is wanted.
struct LayerNorm {
  static constexpr const char* name = "layer_norm";
  Tensor x, weight, bias, y, mean, rstd;
  double eps;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const LayerNorm&);
void kernel(Cpu, const LayerNorm&);
void kernel(Cuda, const LayerNorm&);

/// With h[n,d] = (x[n,d] - mean[n]) rstd[n] and g[n,d] = weight[d] dy[n,d]:
///   dx[n,d]    = rstd[n] (g[n,d] - mean over d of g[n] - h[n,d] mean over d of g[n] h[n])
///   dweight[d] = sum over n of dy[n,d] h[n,d],  dbias[d] = sum over n of dy[n,d]
/// dx is undefined where it is not wanted, or may be dy itself; so are dweight and dbias together.
struct LayerNormGradient {
  static constexpr const char* name = "layer_norm_gradient";
  Tensor dy, x, weight, mean, rstd, dx, dweight, dbias;
  const Tensor& dispatch() const { return dy; }
};
void kernel(Reference, const LayerNormGradient&);
void kernel(Cpu, const LayerNormGradient&);
void kernel(Cuda, const LayerNormGradient&);
int64_t workspace_bytes(Cpu, const LayerNormGradient&);

}  // namespace minissl::ops
