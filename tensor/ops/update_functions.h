#pragma once
#include <cmath>

#include "tensor/host_device.h"
#include "tensor/ops/update.h"

/// What the updates of update.h do to one element, written once for host and device: made with all that is the same for
/// every element, and called for each.
namespace minissl::ops {

template <class T>
struct AdamWStep {
  MINISSL_HD AdamWStep(double step, double lr, double gradient_scale, double weight_decay, double beta1, double beta2,
                       double eps)
      : keep(static_cast<T>(1 - lr * weight_decay)),
        scale(static_cast<T>(gradient_scale)),
        b1(static_cast<T>(beta1)),
        b2(static_cast<T>(beta2)),
        c1(static_cast<T>(1 - beta1)),
        c2(static_cast<T>(1 - beta2)),
        eps(static_cast<T>(eps)),
        step_size(static_cast<T>(lr / (1 - std::pow(beta1, step)))),
        correction(static_cast<T>(std::sqrt(1 - std::pow(beta2, step)))) {}

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
  MINISSL_HD SgdStep(double step, double lr, double gradient_scale, double weight_decay, double momentum)
      : momentum(static_cast<T>(step == 1 ? 0 : momentum)),
        scale(static_cast<T>(gradient_scale)),
        lr(static_cast<T>(lr)),
        decay(static_cast<T>(weight_decay)) {}

  MINISSL_HD void operator()(T gradient, T& buffer, T& value) const {
    buffer = momentum * buffer + (gradient * scale + decay * value);
    value -= lr * buffer;
  }

  T momentum, scale, lr, decay;
};

template <class T>
struct LarsStep {
  MINISSL_HD LarsStep(double lr, double gradient_scale, double weight_decay, double momentum)
      : momentum(static_cast<T>(momentum)),
        scale(static_cast<T>(gradient_scale)),
        lr(static_cast<T>(lr)),
        decay(static_cast<T>(weight_decay)) {}

  /// What the gradient is before it is adapted.
  MINISSL_HD T update(T gradient, T value) const { return gradient * scale + decay * value; }
  MINISSL_HD void operator()(T ratio, T gradient, T& buffer, T& value) const {
    buffer = momentum * buffer + ratio * update(gradient, value);
    value -= lr * buffer;
  }

  T momentum, scale, lr, decay;
};

/// The squared norms of values and of their update, of a piece or of several.
struct LarsSquares {
  MINISSL_HD LarsSquares& operator+=(const LarsSquares& other) {
    value += other.value;
    update += other.update;
    return *this;
  }
  /// How much a parameter's gradient is stretched.
  MINISSL_HD double ratio(double trust) const {
    return value > 0 && update > 0 ? trust * std::sqrt(value) / std::sqrt(update) : 1;
  }

  double value = 0, update = 0;
};

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

/// GradientScale's.
MINISSL_HD inline void scale_gradient(double squared_norm, double batches, double clip_norm, double& norm,
                                      double& scale) {
  norm = std::sqrt(squared_norm) / batches;
  const double clip = clip_norm > 0 ? clip_norm / (norm + 1e-6) : 1;
  scale = (clip < 1 ? clip : 1) / batches;
}

}  // namespace minissl::ops
