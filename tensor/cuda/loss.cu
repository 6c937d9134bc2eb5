#include "tensor/cuda/reduce.h"
#include "tensor/cuda/softmax.h"
#include "tensor/ops/loss.h"

namespace minissl::ops {
namespace {

using namespace cuda;

// A block for each row; then their mean. A target that is not a class gives NaN: an Error would make the host wait.
template <class T>
void compute(const CrossEntropy& op) {
  using A = Arithmetic<T>;
  const T* logits = data<T>(op.logits);
  const auto* targets = data<int64_t>(op.targets);
  A *loss = mutable_data<A>(op.loss), *log_sum_exp = mutable_data<A>(op.log_sum_exp),
    *count = mutable_data<A>(op.count);
  const int64_t rows = op.logits.dim(0), classes = op.logits.dim(1);
  each_block(op, rows, 1, [=] __device__(int64_t n, int64_t) {
    Softmax<A> part;
    for (int64_t k = threadIdx.x; k < classes; k += block_threads) part.add(at(logits, n * classes + k));
    const A result = block_merge(part).log_sum_exp();
    if (threadIdx.x == 0) log_sum_exp[n] = result;
  });
  reduce<2>(
      op, rows,
      [=] __device__(int64_t n) {
        const int64_t target = targets[n];
        if (target == no_target) return Sums<double, 2>{{0, 0}};
        const bool known = 0 <= target && target < classes;
        return Sums<double, 2>{
            {known ? static_cast<double>(log_sum_exp[n] - at(logits, n * classes + target)) : NAN, 1}};
      },
      [=] __device__(const Sums<double, 2>& sums) {
        loss[0] = static_cast<A>(sums.of[0] / sums.of[1]);
        count[0] = static_cast<A>(sums.of[1]);
      });
}

template <class T>
void compute(const CrossEntropyGradient& op) {
  using A = Arithmetic<T>;
  const T* logits = data<T>(op.logits);
  const auto* targets = data<int64_t>(op.targets);
  const A *dloss = data<A>(op.dloss), *log_sum_exp = data<A>(op.log_sum_exp), *count = data<A>(op.count);
  T* dlogits = mutable_data<T>(op.dlogits);
  each(op, op.logits.numel(), [=, classes = op.logits.dim(1)] __device__(int64_t i) {
    const int64_t n = i / classes;
    const A scale = targets[n] == no_target ? A(0) : dloss[0] / count[0];
    const A softmax = std::exp(at(logits, i) - log_sum_exp[n]);
    dlogits[i] = static_cast<T>(scale * softmax - (i % classes == targets[n] ? scale : A(0)));
  });
}

template <class T>
void compute(const Accuracy& op) {
  const auto *predictions = data<int64_t>(op.predictions), *targets = data<int64_t>(op.targets);
  T* y = mutable_data<T>(op.y);
  reduce<2>(
      op, op.targets.numel(),
      [=] __device__(int64_t n) {
        const bool counts = targets[n] != no_target;
        return Sums<double, 2>{{counts && predictions[n] == targets[n] ? 1.0 : 0.0, counts ? 1.0 : 0.0}};
      },
      [=] __device__(const Sums<double, 2>& sums) { y[0] = static_cast<T>(sums.of[0] / sums.of[1]); });
}

}  // namespace

void kernel(Cuda, const CrossEntropy& op) {
  visit_floating(op.logits.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const CrossEntropyGradient& op) {
  visit_floating(op.logits.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

void kernel(Cuda, const Accuracy& op) {
  visit_arithmetic(op.y.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
