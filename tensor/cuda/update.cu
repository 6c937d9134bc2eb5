#include "tensor/cuda/reduce.h"
#include "tensor/ops/update_functions.h"

// One launch each: the tensors are flat arenas (nn/arena.h).
namespace minissl::ops {
namespace {

using namespace cuda;

// What is the same for every element is worked out by a thread of its own: powers in float64 are dear.
template <class T>
void compute(const AdamW& op) {
  const T* gradient = data<T>(op.gradient);
  T *value = mutable_data<T>(op.value), *m = mutable_data<T>(op.m), *v = mutable_data<T>(op.v);
  const Tensor workspace = Tensor::empty({workspace_bytes(Cuda{}, op)}, DType::u8, op.value.device());
  auto* step = reinterpret_cast<AdamWStep<T>*>(mutable_data<uint8_t>(workspace));
  each(op, 1,
       [=, number = NumberOperand(op.step), lr = NumberOperand(op.lr), scale = NumberOperand(op.gradient_scale),
        decay = op.weight_decay, beta1 = op.beta1, beta2 = op.beta2, eps = op.eps] __device__(int64_t) {
         *step = AdamWStep<T>(number.get(), lr.get(), scale.get(), decay, beta1, beta2, eps);
       });
  each(op, op.value.numel(), [=] __device__(int64_t i) { (*step)(gradient[i], m[i], v[i], value[i]); });
}

template <class T>
void compute(const Sgd& op) {
  const T* gradient = data<T>(op.gradient);
  T *value = mutable_data<T>(op.value), *buffer = mutable_data<T>(op.buffer);
  each(op, op.value.numel(),
       [=, number = NumberOperand(op.step), lr = NumberOperand(op.lr), scale = NumberOperand(op.gradient_scale),
        decay = op.weight_decay, momentum = op.momentum] __device__(int64_t i) {
         SgdStep<T>(number.get(), lr.get(), scale.get(), decay, momentum)(gradient[i], buffer[i], value[i]);
       });
}

template <class T>
struct LarsOperands {
  explicit LarsOperands(const Lars& op)
      : lr(op.lr), scale(op.gradient_scale), decay(op.weight_decay), momentum(op.momentum) {}
  MINISSL_HD LarsStep<T> step() const { return {lr.get(), scale.get(), decay, momentum}; }

  NumberOperand lr, scale;
  double decay, momentum;
};

template <class T>
void compute(const Lars& op) {
  const T* gradient = data<T>(op.gradient);
  T *value = mutable_data<T>(op.value), *buffer = mutable_data<T>(op.buffer);
  const LarsOperands<T> operands(op);
  const Tensor ratio = Tensor::full({1}, 1, op.value.dtype(), op.value.device());
  T* adapt = mutable_data<T>(ratio);
  if (op.adapted)
    reduce<2>(
        op, op.value.numel(),
        [=] __device__(int64_t i) {
          const auto v = static_cast<double>(value[i]),
                     u = static_cast<double>(operands.step().update(gradient[i], value[i]));
          return Sums<double, 2>{{v * v, u * u}};
        },
        [=, trust = op.trust] __device__(const Sums<double, 2>& squares) {
          adapt[0] = static_cast<T>(LarsStep<T>::ratio(trust, squares.of[0], squares.of[1]));
        });
  each(op, op.value.numel(),
       [=] __device__(int64_t i) { operands.step()(adapt[0], gradient[i], buffer[i], value[i]); });
}

template <class T>
void compute(const Ema& op) {
  const T* source = data<T>(op.source);
  T* target = mutable_data<T>(op.target);
  each(op, op.target.numel(), [=, momentum = NumberOperand(op.momentum)] __device__(int64_t i) {
    EmaStep<T>(momentum.get())(source[i], target[i]);
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

// Master weights and what belongs to them are never bf16.
template <class Op>
void by_master_type(const Op& op) {
  visit_arithmetic(op.dispatch().dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace

void kernel(Cuda, const AdamW& op) {
  require_one_length(op.name, op.value, {&op.gradient, &op.m, &op.v});
  by_master_type(op);
}
void kernel(Cuda, const Sgd& op) {
  require_one_length(op.name, op.value, {&op.gradient, &op.buffer});
  by_master_type(op);
}
void kernel(Cuda, const Lars& op) {
  require_one_length(op.name, op.value, {&op.gradient, &op.buffer});
  by_master_type(op);
}
void kernel(Cuda, const Ema& op) {
  require_one_length(op.name, op.target, {&op.source});
  by_master_type(op);
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

int64_t workspace_bytes(Cuda, const AdamW& op) {
  return op.value.dtype() == DType::f64 ? sizeof(AdamWStep<double>) : sizeof(AdamWStep<float>);
}
int64_t workspace_bytes(Cuda, const Lars& op) { return size_of(op.value.dtype()); }

}  // namespace minissl::ops
