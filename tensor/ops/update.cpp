#include "tensor/ops/update.h"

#include <cmath>
#include <numeric>
#include <vector>

#include "tensor/parallel.h"

namespace minissl::ops {
namespace {

constexpr int64_t grain = 16384;

// Calls body(T{})(begin, end) for parts of the arenas, `others` being those besides op.dispatch().
template <class Op, class F>
void each(const Op& op, std::initializer_list<const Tensor*> others, F&& body) {
  for (const Tensor* t : others)
    require(t->numel() == op.dispatch().numel(), "{}: {} to update {} with; the lengths must agree", Op::name, t->str(),
            op.dispatch().str());
  visit_arithmetic(op.dispatch().dtype(), [&](auto type) { parallel_for(op.dispatch().numel(), grain, body(type)); });
}

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

}  // namespace

void kernel(Reference, const AdamW& op) {
  each(op, {&op.gradient, &op.m, &op.v}, [&](auto type) {
    using T = decltype(type);
    T *value = op.value.mutable_data<T>(), *m = op.m.mutable_data<T>(), *v = op.v.mutable_data<T>();
    const T* gradient = op.gradient.data<T>();
    const auto t = static_cast<double>(op.step);
    const T keep = static_cast<T>(1 - op.lr * op.weight_decay), scale = static_cast<T>(op.gradient_scale);
    const T b1 = static_cast<T>(op.beta1), b2 = static_cast<T>(op.beta2), eps = static_cast<T>(op.eps);
    const T c1 = static_cast<T>(1 - op.beta1), c2 = static_cast<T>(1 - op.beta2);
    const T step_size = static_cast<T>(op.lr / (1 - std::pow(op.beta1, t)));
    const T correction = static_cast<T>(std::sqrt(1 - std::pow(op.beta2, t)));
    return [=](int64_t begin, int64_t end) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) {
        const T g = gradient[i] * scale;
        m[i] = b1 * m[i] + c1 * g;
        v[i] = b2 * v[i] + c2 * g * g;
        value[i] = value[i] * keep - step_size * m[i] / (std::sqrt(v[i]) / correction + eps);
      }
    };
  });
}

void kernel(Reference, const Sgd& op) {
  each(op, {&op.gradient, &op.buffer}, [&](auto type) {
    using T = decltype(type);
    T *value = op.value.mutable_data<T>(), *buffer = op.buffer.mutable_data<T>();
    const T* gradient = op.gradient.data<T>();
    const T momentum = static_cast<T>(op.step == 1 ? 0 : op.momentum), scale = static_cast<T>(op.gradient_scale);
    const T lr = static_cast<T>(op.lr), decay = static_cast<T>(op.weight_decay);
    return [=](int64_t begin, int64_t end) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) {
        buffer[i] = momentum * buffer[i] + (gradient[i] * scale + decay * value[i]);
        value[i] -= lr * buffer[i];
      }
    };
  });
}

void kernel(Reference, const Lars& op) {
  each(op, {&op.gradient, &op.buffer}, [&](auto type) {
    using T = decltype(type);
    T *value = op.value.mutable_data<T>(), *buffer = op.buffer.mutable_data<T>();
    const T* gradient = op.gradient.data<T>();
    const T scale = static_cast<T>(op.gradient_scale), decay = static_cast<T>(op.weight_decay);
    double ratio = 1;
    if (op.adapted) {
      const int64_t count = op.value.numel();
      const double of_value =
          std::sqrt(sum_of_squares(count, [=](int64_t i) { return static_cast<double>(value[i]); }));
      const double of_update = std::sqrt(sum_of_squares(
          count, [=](int64_t i) { return static_cast<double>(gradient[i] * scale + decay * value[i]); }));
      if (of_value > 0 && of_update > 0) ratio = op.trust * of_value / of_update;
    }
    const T adapt = static_cast<T>(ratio), momentum = static_cast<T>(op.momentum), lr = static_cast<T>(op.lr);
    return [=](int64_t begin, int64_t end) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) {
        buffer[i] = momentum * buffer[i] + adapt * (gradient[i] * scale + decay * value[i]);
        value[i] -= lr * buffer[i];
      }
    };
  });
}

void kernel(Reference, const Ema& op) {
  each(op, {&op.source}, [&](auto type) {
    using T = decltype(type);
    T* target = op.target.mutable_data<T>();
    const T* source = op.source.data<T>();
    const T keep = static_cast<T>(op.momentum), take = static_cast<T>(1 - op.momentum);
    return [=](int64_t begin, int64_t end) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) target[i] = target[i] * keep + source[i] * take;
    };
  });
}

void kernel(Reference, const Accumulate& op) {
  each(op, {&op.source}, [&](auto type) {
    using T = decltype(type);
    T* target = op.target.mutable_data<T>();
    const T* source = op.source.data<T>();
    return [=](int64_t begin, int64_t end) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) target[i] += source[i];
    };
  });
}

double squared_norm(const Tensor& x) {
  return visit_arithmetic(x.dtype(), [&](auto type) {
    using T = decltype(type);
    const T* values = x.data<T>();
    return sum_of_squares(x.numel(), [=](int64_t i) { return static_cast<double>(values[i]); });
  });
}

}  // namespace minissl::ops
