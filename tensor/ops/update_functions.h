#pragma once
#include <cmath>

#include "tensor/host_device.h"
#include "tensor/ops/update.h"

/// What the updates of update.h do to one element, written once for host and device. They are made on the host, with
/// all that is the same for every element, and called for each.
namespace minissl::ops {

template <class T>
struct AdamWStep {
  explicit AdamWStep(const AdamW& op)
      : keep(static_cast<T>(1 - op.lr * op.weight_decay)),
        scale(static_cast<T>(op.gradient_scale)),
        b1(static_cast<T>(op.beta1)),
        b2(static_cast<T>(op.beta2)),
        c1(static_cast<T>(1 - op.beta1)),
        c2(static_cast<T>(1 - op.beta2)),
        eps(static_cast<T>(op.eps)),
        step_size(static_cast<T>(op.lr / (1 - std::pow(op.beta1, static_cast<double>(op.step))))),
        correction(static_cast<T>(std::sqrt(1 - std::pow(op.beta2, static_cast<double>(op.step))))) {}

  MINISSL_HD void operator()(T gradient, T& m, T& v, T& value) const {
    const T g = gradient * scale;
    m = b1 * m + c1 * g;
    v = b2 * v + c2 * g * g;
    value = value * keep - step_size * m / (std::sqrt(v) / correction + eps);
  }

  T keep, scale, b1, b2, c1, c2, eps, step_size, correction;
};

template <class T>
struct SgdStep {
  explicit SgdStep(const Sgd& op)
      : momentum(static_cast<T>(op.step == 1 ? 0 : op.momentum)),
        scale(static_cast<T>(op.gradient_scale)),
        lr(static_cast<T>(op.lr)),
        decay(static_cast<T>(op.weight_decay)) {}

  MINISSL_HD void operator()(T gradient, T& buffer, T& value) const {
    buffer = momentum * buffer + (gradient * scale + decay * value);
    value -= lr * buffer;
  }

  T momentum, scale, lr, decay;
};

template <class T>
struct LarsStep {
  explicit LarsStep(const Lars& op)
      : momentum(static_cast<T>(op.momentum)),
        scale(static_cast<T>(op.gradient_scale)),
        lr(static_cast<T>(op.lr)),
        decay(static_cast<T>(op.weight_decay)) {}

  /// What the gradient is before it is adapted.
  MINISSL_HD T update(T gradient, T value) const { return gradient * scale + decay * value; }
  MINISSL_HD void operator()(T ratio, T gradient, T& buffer, T& value) const {
    buffer = momentum * buffer + ratio * update(gradient, value);
    value -= lr * buffer;
  }
  /// How much a tensor's gradient is stretched, from the squared norms of its values and of its update.
  MINISSL_HD static double ratio(double trust, double value_squares, double update_squares) {
    return value_squares > 0 && update_squares > 0 ? trust * std::sqrt(value_squares) / std::sqrt(update_squares) : 1;
  }

  T momentum, scale, lr, decay;
};

template <class T>
struct EmaStep {
  explicit EmaStep(const Ema& op) : keep(static_cast<T>(op.momentum)), take(static_cast<T>(1 - op.momentum)) {}

  MINISSL_HD void operator()(T source, T& target) const { target = target * keep + source * take; }

  T keep, take;
};

}  // namespace minissl::ops
