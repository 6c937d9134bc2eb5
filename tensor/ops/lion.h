#pragma once
#include "tensor/ops/update_functions.h"

namespace minissl::ops {

/// Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", Algorithm 2):
///   update = sign(b1 m + (1 - b1) g);  value -= lr * (update + weight_decay * value);  m = b2 m + (1 - b2) g.
struct Lion {
  static constexpr const char* name = "lion";
  Tensor value, gradient, m;
  Tensor pieces = {};  ///< make_pieces()
  Tensor rules = {};   ///< make_rules(), or undefined
  LearningRate lr = 1e-4;
  Number gradient_scale = 1, weight_decay = 0;
  double beta1 = 0.9, beta2 = 0.99;
  Followers followers = {};
  const Tensor& dispatch() const { return value; }
};
void kernel(Reference, const Lion&);
void kernel(Cuda, const Lion&);

template <class T>
struct LionStep {
  MINISSL_HD LionStep(const ParameterRates& rates, double beta1, double beta2)
      : scale(static_cast<T>(rates.gradient_scale)),
        lr(static_cast<T>(rates.lr)),
        decay(static_cast<T>(rates.weight_decay)),
        b1(static_cast<T>(beta1)),
        b2(static_cast<T>(beta2)),
        c1(static_cast<T>(1 - beta1)),
        c2(static_cast<T>(1 - beta2)) {}

  MINISSL_HD void operator()(T gradient, T& m, T& value) const {
    const T g = gradient * scale, direction = b1 * m + c1 * g;
    // A NaN stays one, so that the step does not hide it.
    const T update = direction > 0 ? T(1) : direction < 0 ? T(-1) : direction;
    value -= lr * (update + decay * value);
    m = b2 * m + c2 * g;
  }

  T scale, lr, decay, b1, b2, c1, c2;
};

}  // namespace minissl::ops
