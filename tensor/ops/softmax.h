#pragma once
#include "tensor/operation.h"

/// Softmax of rows, f32 or f64.
namespace minissl::ops {

/// y[n] = softmax(scale (x[n] + noise[n])): x, y (N, D), noise (N, D) or undefined. With Gumbel noise and a scale of
/// 1 / temperature it is the relaxed sample of Jang et al. 2017, eq. 1.
struct Softmax {
  static constexpr const char* name = "softmax";
  Tensor x, noise, y;
  double scale = 1;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const Softmax&);
void kernel(Cpu, const Softmax&);
void kernel(Cuda, const Softmax&);

/// dx[n] = scale y[n] (dy[n] - dy[n] . y[n]).
struct SoftmaxGradient {
  static constexpr const char* name = "softmax_gradient";
  Tensor dy, y, dx;
  double scale = 1;
  const Tensor& dispatch() const { return dy; }
};
void kernel(Reference, const SoftmaxGradient&);
void kernel(Cpu, const SoftmaxGradient&);
void kernel(Cuda, const SoftmaxGradient&);

/// y[n] = -sum over d of q[d] log q[d] in nats, with q = softmax(x[n]): x (N, D), y (N).
/// log_sum_exp (N) is kept for the gradient: log q = x - log_sum_exp.
struct SoftmaxEntropy {
  static constexpr const char* name = "softmax_entropy";
  Tensor x, y, log_sum_exp;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const SoftmaxEntropy&);
void kernel(Cpu, const SoftmaxEntropy&);
void kernel(Cuda, const SoftmaxEntropy&);

/// dx[n] = -dy[n] q (log q + y[n]).
struct SoftmaxEntropyGradient {
  static constexpr const char* name = "softmax_entropy_gradient";
  Tensor dy, x, y, log_sum_exp, dx;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const SoftmaxEntropyGradient&);
void kernel(Cpu, const SoftmaxEntropyGradient&);
void kernel(Cuda, const SoftmaxEntropyGradient&);

}  // namespace minissl::ops
