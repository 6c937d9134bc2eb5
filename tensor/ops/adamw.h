#pragma once
#include <cmath>

#include "tensor/ops/update_functions.h"

namespace minissl::ops {

/// AdamW (Loshchilov and Hutter 2019), in the order of PyTorch's:
///   value *= 1 - lr * weight_decay;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
///   value -= lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps),
/// where t counts the steps that updated the parameter, from 1.
struct AdamW {
  static constexpr const char* name = "adamw";
  Tensor value, gradient, m, v;
  Tensor pieces = {};  ///< make_pieces()
  Tensor rules = {};   ///< make_rules(), or undefined
  Number step = 1;
  LearningRate lr = 1e-3;
  Number gradient_scale = 1;  ///< g = gradient * gradient_scale: clipping and accumulation without a pass of their own
  Number weight_decay = 0;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  Followers followers = {};
  const Tensor& dispatch() const { return value; }
};
void kernel(Reference, const AdamW&);
void kernel(Cuda, const AdamW&);

template <class T>
struct AdamWStep {
  MINISSL_HD AdamWStep(const ParameterRates& rates, double beta1, double beta2, double eps)
      : keep(static_cast<T>(1 - rates.lr * rates.weight_decay)),
        scale(static_cast<T>(rates.gradient_scale)),
        b1(static_cast<T>(beta1)),
        b2(static_cast<T>(beta2)),
        c1(static_cast<T>(1 - beta1)),
        c2(static_cast<T>(1 - beta2)),
        eps(static_cast<T>(eps)),
        step_size(static_cast<T>(rates.lr / (1 - std::pow(beta1, rates.step)))),
        correction(static_cast<T>(std::sqrt(1 - std::pow(beta2, rates.step)))) {}

  MINISSL_HD void operator()(T gradient, T& m, T& v, T& value) const {
    const T g = gradient * scale;
    m = b1 * m + c1 * g;
    v = b2 * v + c2 * g * g;
    value = value * keep - step_size * m / (std::sqrt(v) / correction + eps);
  }

  T keep, scale, b1, b2, c1, c2, eps, step_size, correction;
};

}  // namespace minissl::ops
