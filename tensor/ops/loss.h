#pragma once
#include "tensor/operation.h"

/// Cross entropy.
namespace minissl::ops {

/// Mean over the rows of -log softmax(logits)[target]: logits (N, K), targets i64 (N), loss (1).
/// log_sum_exp (N) is kept for the gradient: softmax = exp(logits - log_sum_exp).
struct CrossEntropy {
  static constexpr const char* name = "cross_entropy";
  Tensor logits, targets, loss, log_sum_exp;
  const Tensor& dispatch() const { return logits; }
};
void kernel(Reference, const CrossEntropy&);
void kernel(Cpu, const CrossEntropy&);
void kernel(Cuda, const CrossEntropy&);

/// dlogits = dloss (softmax - one_hot(target)) / N; dloss (1).
struct CrossEntropyGradient {
  static constexpr const char* name = "cross_entropy_gradient";
  Tensor dloss, logits, targets, log_sum_exp, dlogits;
  const Tensor& dispatch() const { return logits; }
};
void kernel(Reference, const CrossEntropyGradient&);
void kernel(Cpu, const CrossEntropyGradient&);
void kernel(Cuda, const CrossEntropyGradient&);

}  // namespace minissl::ops
