#pragma once
#include <initializer_list>
#include <utility>

#include "tensor/number.h"
#include "tensor/operation.h"
#include "tensor/rules.h"

/// In-place updates of flat arenas: one pass over memory each, and on a GPU one launch. All tensors of an operation
/// have the same length and type unless their comments say otherwise; Error if not. The optimizers' updates are in
/// adamw.h, sgd.h, lars.h and lion.h; this file holds what they share and the other updates.
namespace minissl::ops {

/// The learning rate of a step: by the schedule, and at the schedule's peak, for parameters with a constant rate.
struct LearningRate {
  LearningRate(double rate) : scheduled(rate), peak(rate) {}         // NOLINT(google-explicit-constructor)
  LearningRate(const Tensor& rate) : scheduled(rate), peak(rate) {}  // NOLINT(google-explicit-constructor)
  LearningRate(Number scheduled, Number peak) : scheduled(std::move(scheduled)), peak(std::move(peak)) {}

  Number scheduled, peak;
};

/// Tensors that an optimizer's update writes in the same pass, while the new values are in the cache. Any of them may
/// be undefined; it is not written then.
struct Followers {
  static constexpr bool holds_tensors = true;
  Tensor copy = {};          ///< bf16: the first copy.numel() values, rounded
  Tensor average = {};       ///< of the first average.numel() values, moved towards them as Ema does
  Tensor average_copy = {};  ///< bf16: the first average_copy.numel() elements of `average`, rounded
  Number momentum = 1;       ///< of the average
};

/// Exponential moving average: target = momentum * target + (1 - momentum) * source.
struct Ema {
  static constexpr const char* name = "ema";
  static constexpr bool any_type = true;
  Tensor target, source;
  Number momentum = 0.999;
  Tensor copy = {};  ///< bf16: the first copy.numel() elements of `target`, rounded; or undefined
  const Tensor& dispatch() const { return target; }
};
void kernel(Reference, const Ema&);
void kernel(Cuda, const Ema&);

/// target += source, any shape.
struct Accumulate {
  static constexpr const char* name = "accumulate";
  Tensor target, source;
  const Tensor& dispatch() const { return target; }
};
void kernel(Reference, const Accumulate&);
void kernel(Cuda, const Accumulate&);

/// y (1, f64) = sum of the squares of all elements of x, any shape, in float64, the same bits on any number of threads.
struct SquaredNorm {
  static constexpr const char* name = "squared_norm";
  Tensor x, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const SquaredNorm&);
void kernel(Cuda, const SquaredNorm&);

/// The norm of a step's mean gradient, and the factor that averages and clips it, from the squared norm (1) of the sum
/// of several batches' gradients:
///   norm = sqrt(squared_norm) / batches;  scale = clip / batches,
/// where clip brings a gradient of this norm down to clip_norm: 1 where it is smaller or clip_norm is 0. As PyTorch's
/// clip_grad_norm_: clip_norm / (norm + 1e-6). All f64.
struct GradientScale {
  static constexpr const char* name = "gradient_scale";
  Tensor squared_norm, norm, scale;
  int64_t batches = 1;
  double clip_norm = 0;
  const Tensor& dispatch() const { return squared_norm; }
};
void kernel(Reference, const GradientScale&);
void kernel(Cuda, const GradientScale&);

/// Throws Error, naming the operation, unless `others` have the length of `updated`.
void require_one_length(const char* name, const Tensor& updated, std::initializer_list<const Tensor*> others);
/// Throws Error unless copies are bf16, averages of the type of `updated`, and none longer than what it follows.
void require_followers(const char* name, const Tensor& updated, const Followers& followers);
/// Checks both for an optimizer's update, and that its pieces and rules are valid.
template <class Op>
void require_arenas(const Op& op, std::initializer_list<const Tensor*> others) {
  require_one_length(op.name, op.value, others);
  require_followers(op.name, op.value, op.followers);
  require(op.pieces.defined(), "{}: no pieces say which of {} is which parameter", op.name, op.value);
  require_rules(op.name, op.rules, op.pieces);
}

}  // namespace minissl::ops
