#pragma once
#include <cmath>

#include "tensor/host_device.h"
#include "tensor/ops/update.h"

/// The updates of single elements, written once for host and device. Each is constructed from the values that all
/// elements share, and called for each element. The optimizers' own are in their files.
namespace minissl::ops {

/// The numbers of an optimizer step for one parameter, after its rule is applied.
struct ParameterRates {
  MINISSL_HD ParameterRates(const RuleRow& rule, double step, double scheduled_lr, double peak_lr,
                            double gradient_scale, double weight_decay)
      : step(step - rule.skipped),
        lr((rule.constant_rate != 0 ? peak_lr : scheduled_lr) * rule.rate),
        gradient_scale(gradient_scale),
        weight_decay(weight_decay * rule.decay) {}

  double step;  ///< of the parameter, counted from 1: as PyTorch, which does not count those that skip it
  double lr, gradient_scale, weight_decay;
};

/// The number of the step, for an update that depends on it.
template <class Op>
Number step_number(const Op& op) {
  if constexpr (requires { op.step; })
    return op.step;
  else
    return 1;
}

template <class T>
struct EmaStep {
  MINISSL_HD explicit EmaStep(double momentum) : keep(static_cast<T>(momentum)), take(static_cast<T>(1 - momentum)) {}

  MINISSL_HD void operator()(T source, T& target) const { target = target * keep + source * take; }

  T keep, take;
};

/// What a copy in bf16 holds of a value.
template <class T>
MINISSL_HD bfloat16 rounded(T value) {
  return bfloat16(static_cast<float>(value));
}

/// Brings a gradient of this norm down to clip_norm; 1 where it is smaller or clip_norm is 0.
MINISSL_HD inline double clip_factor(double norm, double clip_norm) {
  const double clip = clip_norm > 0 ? clip_norm / (norm + 1e-6) : 1;
  return clip < 1 ? clip : 1;
}

/// GradientScale's.
MINISSL_HD inline void scale_gradient(double squared_norm, double batches, double clip_norm, double& norm,
                                      double& scale) {
  norm = std::sqrt(squared_norm) / batches;
  scale = clip_factor(norm, clip_norm) / batches;
}

}  // namespace minissl::ops
