#include "tensor/ops/adamw.h"

#include "tensor/ops/update_pieces.h"

namespace minissl::ops {

void kernel(Reference, const AdamW& op) {
  require_arenas(op, {&op.gradient, &op.m, &op.v});
  visit_arithmetic(op.value.dtype(), [&](auto type) {
    using T = decltype(type);
    T *value = op.value.mutable_data<T>(), *m = op.m.mutable_data<T>(), *v = op.v.mutable_data<T>();
    const StepsByParameter<AdamWStep<T>> steps(
        op, [&](const ParameterRates& rates) { return AdamWStep<T>(rates, op.beta1, op.beta2, op.eps); });
    update_pieces(op, value, steps, [=, gradient = op.gradient.data<T>()](const AdamWStep<T>& step, int64_t i) {
      step(gradient[i], m[i], v[i], value[i]);
    });
  });
}

}  // namespace minissl::ops
