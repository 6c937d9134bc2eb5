#include "tensor/ops/update.h"

#include <numeric>
#include <vector>

#include "tensor/ops/update_functions.h"
#include "tensor/parallel.h"

namespace minissl::ops {
namespace {

constexpr int64_t grain = 16384;

// The sum of value(i)^2, in float64, the same bits on any number of threads.
template <class F>
double sum_of_squares(int64_t count, F&& value) {
  std::vector<double> partial(static_cast<size_t>((count + grain - 1) / grain));
  for_blocks(count, grain, [&](int64_t block, int64_t begin, int64_t end) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = begin; i < end; ++i) sum += value(i) * value(i);
    partial[static_cast<size_t>(block)] = sum;
  });
  return std::accumulate(partial.begin(), partial.end(), 0.0);
}

// Calls body(T{})(i) for all elements of the arenas.
template <class Op, class F>
void each(const Op& op, F&& body) {
  visit_arithmetic(op.dispatch().dtype(), [&](auto type) {
    const auto update = body(type);
    parallel_for(op.dispatch().numel(), grain, [&](int64_t begin, int64_t end) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) update(i);
    });
  });
}

}  // namespace

void require_one_length(const char* name, const Tensor& updated, std::initializer_list<const Tensor*> others) {
  for (const Tensor* t : others)
    require(t->numel() == updated.numel(), "{}: {} to update {} with; the lengths must agree", name, t->str(),
            updated.str());
}

void kernel(Reference, const AdamW& op) {
  require_one_length(op.name, op.value, {&op.gradient, &op.m, &op.v});
  each(op, [&](auto type) {
    using T = decltype(type);
    T *value = op.value.mutable_data<T>(), *m = op.m.mutable_data<T>(), *v = op.v.mutable_data<T>();
    return [=, gradient = op.gradient.data<T>(),
            step = AdamWStep<T>(op.step.value(), op.lr.value(), op.gradient_scale.value(), op.weight_decay, op.beta1,
                                op.beta2, op.eps)](int64_t i) { step(gradient[i], m[i], v[i], value[i]); };
  });
}

void kernel(Reference, const Sgd& op) {
  require_one_length(op.name, op.value, {&op.gradient, &op.buffer});
  each(op, [&](auto type) {
    using T = decltype(type);
    T *value = op.value.mutable_data<T>(), *buffer = op.buffer.mutable_data<T>();
    return [=, gradient = op.gradient.data<T>(),
            step = SgdStep<T>(op.step.value(), op.lr.value(), op.gradient_scale.value(), op.weight_decay, op.momentum)](
               int64_t i) { step(gradient[i], buffer[i], value[i]); };
  });
}

void kernel(Reference, const Lars& op) {
  require_one_length(op.name, op.value, {&op.gradient, &op.buffer});
  each(op, [&](auto type) {
    using T = decltype(type);
    T *value = op.value.mutable_data<T>(), *buffer = op.buffer.mutable_data<T>();
    const T* gradient = op.gradient.data<T>();
    const LarsStep<T> step(op.lr.value(), op.gradient_scale.value(), op.weight_decay, op.momentum);
    double ratio = 1;
    if (op.adapted) {
      const int64_t count = op.value.numel();
      ratio = step.ratio(
          op.trust, sum_of_squares(count, [=](int64_t i) { return static_cast<double>(value[i]); }),
          sum_of_squares(count, [=](int64_t i) { return static_cast<double>(step.update(gradient[i], value[i])); }));
    }
    return [=, ratio = static_cast<T>(ratio)](int64_t i) { step(ratio, gradient[i], buffer[i], value[i]); };
  });
}

void kernel(Reference, const Ema& op) {
  require_one_length(op.name, op.target, {&op.source});
  each(op, [&](auto type) {
    using T = decltype(type);
    return [target = op.target.mutable_data<T>(), source = op.source.data<T>(),
            step = EmaStep<T>(op.momentum.value())](int64_t i) { step(source[i], target[i]); };
  });
}

void kernel(Reference, const Accumulate& op) {
  require_one_length(op.name, op.target, {&op.source});
  each(op, [&](auto type) {
    using T = decltype(type);
    return [target = op.target.mutable_data<T>(), source = op.source.data<T>()](int64_t i) { target[i] += source[i]; };
  });
}

void kernel(Reference, const SquaredNorm& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    const T* values = op.x.data<T>();
    op.y.mutable_data<double>()[0] =
        sum_of_squares(op.x.numel(), [=](int64_t i) { return static_cast<double>(values[i]); });
  });
}

void kernel(Reference, const GradientScale& op) {
  scale_gradient(*op.squared_norm.data<double>(), static_cast<double>(op.batches), op.clip_norm,
                 *op.norm.mutable_data<double>(), *op.scale.mutable_data<double>());
}

}  // namespace minissl::ops
