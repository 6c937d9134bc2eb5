#pragma once
#include <cmath>

#include "tensor/ops/update_functions.h"

namespace minissl::ops {

/// SGD with layer-wise adaptive rate scaling (You et al. 2017), in the order of BarlowTwins' authors:
///   g += weight_decay * value;  g *= trust * |value| / |g| where neither norm is 0;
///   buffer = momentum * buffer + g;  value -= lr * buffer,
/// with the norms of each parameter. A parameter that its rule does not adapt keeps g as it is. On a GPU two launches:
/// the norms come first.
struct Lars {
  static constexpr const char* name = "lars";
  Tensor value, gradient, buffer;
  Tensor pieces = {};  ///< make_pieces()
  Tensor rules = {};   ///< make_rules(), or undefined
  LearningRate lr = 1e-3;
  Number gradient_scale = 1, weight_decay = 0;
  double momentum = 0.9, trust = 0.001;
  Followers followers = {};
  const Tensor& dispatch() const { return value; }
};
void kernel(Reference, const Lars&);
void kernel(Cuda, const Lars&);
int64_t workspace_bytes(Cuda, const Lars&);

template <class T>
struct LarsStep {
  MINISSL_HD LarsStep(const ParameterRates& rates, double momentum)
      : momentum(static_cast<T>(momentum)),
        scale(static_cast<T>(rates.gradient_scale)),
        lr(static_cast<T>(rates.lr)),
        decay(static_cast<T>(rates.weight_decay)) {}

  /// The gradient before it is adapted.
  MINISSL_HD T update(T gradient, T value) const { return gradient * scale + decay * value; }
  MINISSL_HD void operator()(T ratio, T gradient, T& buffer, T& value) const {
    buffer = momentum * buffer + ratio * update(gradient, value);
    value -= lr * buffer;
  }

  T momentum, scale, lr, decay;
};

/// The squared norms of values and of their update, over one or more pieces.
struct LarsSquares {
  MINISSL_HD LarsSquares& operator+=(const LarsSquares& other) {
    value += other.value;
    update += other.update;
    return *this;
  }
  /// The factor on a parameter's gradient.
  MINISSL_HD double ratio(double trust) const {
    return value > 0 && update > 0 ? trust * std::sqrt(value) / std::sqrt(update) : 1;
  }

  double value = 0, update = 0;
};

}  // namespace minissl::ops
