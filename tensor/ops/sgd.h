#pragma once
#include "tensor/ops/update_functions.h"

namespace minissl::ops {

/// SGD with momentum, as PyTorch's: g += weight_decay * value; buffer = momentum * buffer + g (g itself at a
/// parameter's first step); value -= lr * buffer.
struct Sgd {
  static constexpr const char* name = "sgd";
  Tensor value, gradient, buffer;
  Tensor pieces = {};  ///< make_pieces()
  Tensor rules = {};   ///< make_rules(), or undefined
  Number step = 1;
  LearningRate lr = 1e-3;
  Number gradient_scale = 1, weight_decay = 0;
  double momentum = 0.9;
  Followers followers = {};
  const Tensor& dispatch() const { return value; }
};
void kernel(Reference, const Sgd&);
void kernel(Cuda, const Sgd&);

template <class T>
struct SgdStep {
  MINISSL_HD SgdStep(const ParameterRates& rates, double momentum)
      : momentum(static_cast<T>(rates.step == 1 ? 0 : momentum)),
        scale(static_cast<T>(rates.gradient_scale)),
        lr(static_cast<T>(rates.lr)),
        decay(static_cast<T>(rates.weight_decay)) {}

  MINISSL_HD void operator()(T gradient, T& buffer, T& value) const {
    buffer = momentum * buffer + (gradient * scale + decay * value);
    value -= lr * buffer;
  }

  T momentum, scale, lr, decay;
};

}  // namespace minissl::ops
