#include "tensor/ops/lion.h"

#include "tensor/ops/update_pieces.h"

namespace minissl::ops {

void kernel(Reference, const Lion& op) {
  require_arenas(op, {&op.gradient, &op.m});
  visit_arithmetic(op.value.dtype(), [&](auto type) {
    using T = decltype(type);
    T *value = op.value.mutable_data<T>(), *m = op.m.mutable_data<T>();
    const StepsByParameter<LionStep<T>> steps(
        op, [&](const ParameterRates& rates) { return LionStep<T>(rates, op.beta1, op.beta2); });
    update_pieces(op, value, steps, [=, gradient = op.gradient.data<T>()](const LionStep<T>& step, int64_t i) {
      step(gradient[i], m[i], value[i]);
    });
  });
}

}  // namespace minissl::ops
