#pragma once
#include "tensor/operation.h"

/// Cross entropy, and how often it is right.
namespace minissl::ops {

/// The target of a row that is left out.
inline constexpr int64_t no_target = -1;

/// Mean over the rows that have a target of -log softmax(logits)[target]: logits (N, K), targets i64 (N), loss (1).
/// log_sum_exp (N) and count (1), the number of those rows, are kept for the gradient: softmax = exp(logits -
/// log_sum_exp). Without any target the loss is NaN.
struct CrossEntropy {
  static constexpr const char* name = "cross_entropy";
  Tensor logits, targets, loss, log_sum_exp, count;
  const Tensor& dispatch() const { return logits; }
};
void kernel(Reference, const CrossEntropy&);
void kernel(Cpu, const CrossEntropy&);
void kernel(Cuda, const CrossEntropy&);

/// dlogits = dloss (softmax - one_hot(target)) / count, and 0 in rows without a target; dloss (1).
struct CrossEntropyGradient {
  static constexpr const char* name = "cross_entropy_gradient";
  Tensor dloss, logits, targets, log_sum_exp, count, dlogits;
  const Tensor& dispatch() const { return logits; }
};
void kernel(Reference, const CrossEntropyGradient&);
void kernel(Cpu, const CrossEntropyGradient&);
void kernel(Cuda, const CrossEntropyGradient&);

/// y (1): the share of the rows with a target whose prediction is that target; predictions and targets i64 (N).
struct Accuracy {
  static constexpr const char* name = "accuracy";
  Tensor predictions, targets, y;
  const Tensor& dispatch() const { return y; }
};
void kernel(Reference, const Accuracy&);
void kernel(Cuda, const Accuracy&);

/// Throws Error unless both are i64 (N).
Tensor accuracy(const Tensor& predictions, const Tensor& targets, DType type);

}  // namespace minissl::ops
