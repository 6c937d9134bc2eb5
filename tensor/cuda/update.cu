#include "tensor/cuda/update_pieces.h"

namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const Ema& op) {
  const T* source = data<T>(op.source);
  T* target = mutable_data<T>(op.target);
  const CopyOnGpu<T> copy(op.copy);
  each(op, op.target.numel(), [=, momentum = NumberOperand(op.momentum)] __device__(int64_t i) {
    EmaStep<T>(momentum.get())(source[i], target[i]);
    copy.write(i, target[i]);
  });
}

template <class T>
void compute(const Accumulate& op) {
  const T* source = data<T>(op.source);
  T* target = mutable_data<T>(op.target);
  each(op, op.target.numel(), [=] __device__(int64_t i) { target[i] = static_cast<T>(at(target, i) + at(source, i)); });
}

template <class T>
void compute(const SquaredNorm& op) {
  const T* x = data<T>(op.x);
  auto* y = mutable_data<double>(op.y);
  reduce<1>(
      op, op.x.numel(),
      [=] __device__(int64_t i) {
        const auto value = static_cast<double>(at(x, i));
        return Sums<double, 1>{{value * value}};
      },
      [=] __device__(const Sums<double, 1>& sum) { y[0] = sum.of[0]; });
}

}  // namespace

void kernel(Cuda, const Ema& op) {
  require_one_length(op.name, op.target, {&op.source});
  require_followers(op.name, op.target, {.copy = op.copy});
  // Weights are never bf16.
  visit_arithmetic(op.target.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const Accumulate& op) {
  require_one_length(op.name, op.target, {&op.source});
  visit_floating(op.target.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const SquaredNorm& op) {
  visit_floating(op.x.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const GradientScale& op) {
  const auto* squared_norm = data<double>(op.squared_norm);
  auto *norm = mutable_data<double>(op.norm), *scale = mutable_data<double>(op.scale);
  each(op, 1, [=, batches = static_cast<double>(op.batches), clip_norm = op.clip_norm] __device__(int64_t) {
    scale_gradient(*squared_norm, batches, clip_norm, *norm, *scale);
  });
}

}  // namespace minissl::ops
