#include "tensor/cuda/reduce.h"
#include "tensor/ops/perplexity.h"

namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const Perplexity& op) {
  const T* weights = data<T>(op.weights);
  T* y = mutable_data<T>(op.y);
  reduce<2>(
      op, op.weights.numel(),
      [=] __device__(int64_t i) {
        const auto w = static_cast<double>(weights[i]);
        return Sums<double, 2>{{w, w != 0 ? w * std::log(w) : 0}};
      },
      [=] __device__(const Sums<double, 2>& sums) {
        y[0] = static_cast<T>(std::exp(std::log(sums.of[0]) - sums.of[1] / sums.of[0]));
      });
}

}  // namespace

void kernel(Cuda, const Perplexity& op) {
  visit_arithmetic(op.weights.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
