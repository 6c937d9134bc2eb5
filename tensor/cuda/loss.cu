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
  A *loss = mutable_data<A>(op.loss), *log_sum_exp = mutable_data<A>(op.log_sum_exp);
  const int64_t rows = op.logits.dim(0), classes = op.logits.dim(1);
  each_block(op, rows, 1, [=] __device__(int64_t n, int64_t) {
    Softmax<A> part;
    for (int64_t k = threadIdx.x; k < classes; k += block_threads) part.add(at(logits, n * classes + k));
    const A result = block_merge(part).log_sum_exp();
    if (threadIdx.x == 0) log_sum_exp[n] = result;
  });
  reduce<1>(
      op, rows,
      [=] __device__(int64_t n) {
        const int64_t target = targets[n];
        const bool known = 0 <= target && target < classes;
        return Sums<double, 1>{{known ? static_cast<double>(log_sum_exp[n] - at(logits, n * classes + target)) : NAN}};
      },
      [=] __device__(const Sums<double, 1>& sum) { loss[0] = static_cast<A>(sum.of[0] / static_cast<double>(rows)); });
}

template <class T>
void compute(const CrossEntropyGradient& op) {
  using A = Arithmetic<T>;
  const T* logits = data<T>(op.logits);
  const auto* targets = data<int64_t>(op.targets);
  const A *dloss = data<A>(op.dloss), *log_sum_exp = data<A>(op.log_sum_exp);
  T* dlogits = mutable_data<T>(op.dlogits);
  each(op, op.logits.numel(), [=, rows = op.logits.dim(0), classes = op.logits.dim(1)] __device__(int64_t i) {
    const int64_t n = i / classes;
    const A scale = dloss[0] / static_cast<A>(rows);
    const A softmax = std::exp(at(logits, i) - log_sum_exp[n]);
    dlogits[i] = static_cast<T>(scale * softmax - (i % classes == targets[n] ? scale : A(0)));
  });
}

}  // namespace

void kernel(Cuda, const CrossEntropy& op) {
  visit_floating(op.logits.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const CrossEntropyGradient& op) {
  visit_floating(op.logits.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
