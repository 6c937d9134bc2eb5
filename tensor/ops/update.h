#pragma once
#include <initializer_list>

#include "tensor/number.h"
#include "tensor/operation.h"
#include "tensor/pieces.h"

/// In-place updates of flat arenas: one pass over memory each, and on a GPU one launch. All tensors of an operation
/// have one length and type where nothing else is said; Error otherwise.
namespace minissl::ops {

/// What an update writes besides, while it has the new values at hand. All of it may be undefined.
struct Followers {
  static constexpr bool holds_tensors = true;
  Tensor copy = {};          ///< bf16: the first copy.numel() values, rounded
  Tensor average = {};       ///< of the first average.numel() values, moved towards them as Ema does
  Tensor average_copy = {};  ///< bf16: the first average_copy.numel() elements of `average`, rounded
  Number momentum = 1;       ///< of the average
};

/// AdamW (Loshchilov and Hutter 2019), in the order of PyTorch's:
///   value *= 1 - lr * weight_decay;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
///   value -= lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps),   t = step, counted from 1.
struct AdamW {
  static constexpr const char* name = "adamw";
  Tensor value, gradient, m, v;
  Tensor pieces = {};  ///< make_pieces(): the exempt ones without weight decay
  Number step = 1, lr = 1e-3;
  Number gradient_scale = 1;  ///< g = gradient * gradient_scale: clipping and accumulation without a pass of their own
  double weight_decay = 0, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  Followers followers = {};
  const Tensor& dispatch() const { return value; }
};
void kernel(Reference, const AdamW&);
void kernel(Cuda, const AdamW&);

/// SGD with momentum, as PyTorch's: g += weight_decay * value; buffer = momentum * buffer + g (g itself at the first
/// step); value -= lr * buffer.
struct Sgd {
  static constexpr const char* name = "sgd";
  Tensor value, gradient, buffer;
  Tensor pieces = {};  ///< as AdamW's
  Number step = 1, lr = 1e-3, gradient_scale = 1;
  double weight_decay = 0, momentum = 0.9;
  Followers followers = {};
  const Tensor& dispatch() const { return value; }
};
void kernel(Reference, const Sgd&);
void kernel(Cuda, const Sgd&);

/// SGD with layer-wise adaptive rate scaling (You et al. 2017), in the order of BarlowTwins' authors:
///   g += weight_decay * value;  g *= trust * |value| / |g| where neither norm is 0;
///   buffer = momentum * buffer + g;  value -= lr * buffer,
/// with the norms of each parameter, and for exempt ones without the first line. On a GPU two launches: the norms come
/// first.
struct Lars {
  static constexpr const char* name = "lars";
  Tensor value, gradient, buffer;
  Tensor pieces = {};  ///< make_pieces()
  Number lr = 1e-3, gradient_scale = 1;
  double weight_decay = 0, momentum = 0.9, trust = 0.001;
  Followers followers = {};
  const Tensor& dispatch() const { return value; }
};
void kernel(Reference, const Lars&);
void kernel(Cuda, const Lars&);
int64_t workspace_bytes(Cuda, const Lars&);

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

/// What a step makes of the gradients of several batches added up, from their squared norm (1):
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
/// Both, of an update by pieces.
template <class Op>
void require_arenas(const Op& op, std::initializer_list<const Tensor*> others) {
  require_one_length(op.name, op.value, others);
  require_followers(op.name, op.value, op.followers);
  require(op.pieces.defined(), "{}: no pieces say which of {} is which parameter", op.name, op.value.str());
}

}  // namespace minissl::ops
