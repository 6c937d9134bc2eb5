#include "tensor/ops/perplexity.h"

#include <cmath>

namespace minissl::ops {

void kernel(Reference, const Perplexity& op) {
  visit_arithmetic(op.weights.dtype(), [&](auto type) {
    using T = decltype(type);
    double sum = 0, weighted = 0;
    for (const T weight : op.weights.span<T>()) {
      const auto w = static_cast<double>(weight);
      sum += w;
      if (w != 0) weighted += w * std::log(w);  // NaN counts
    }
    op.y.mutable_data<T>()[0] = static_cast<T>(std::exp(std::log(sum) - weighted / sum));
  });
}

Tensor perplexity(const Tensor& weights) {
  Tensor y = Tensor::empty({1}, weights.dtype(), weights.device());
  run(Perplexity{weights, y});
  return y;
}

}  // namespace minissl::ops
