#include "tensor/cuda/reduce.h"
#include "tensor/cuda/softmax.h"
#include "tensor/ops/sinkhorn.h"

namespace minissl::ops {
namespace {

using namespace cuda;

// Part of a column's softmax as plain bytes; a sum of 0 is that of no numbers.
template <class A>
struct ColumnPart {
  A largest, sum;

  __device__ ColumnPart& operator+=(const ColumnPart& other) {
    if (sum == A(0)) return *this = other;
    Softmax<A> both{largest, sum};
    both.merge({other.largest, other.sum});
    return *this = {both.largest, both.sum};
  }
};

template <class T>
void compute(const Sinkhorn& op) {
  const T* x = data<T>(op.x);
  T *prototypes = mutable_data<T>(op.prototypes), *samples = mutable_data<T>(op.samples);
  T *y = mutable_data<T>(op.y), *entropy = mutable_data<T>(op.entropy);
  const int64_t count = op.x.dim(0), k_count = op.x.dim(1);
  const T factor = static_cast<T>(1 / op.epsilon);
  each(op, count, [=] __device__(int64_t n) { samples[n] = T(0); });
  for (int64_t round = 0; round < op.rounds; ++round) {
    each_column(op, op.x, [=] __device__(const BlockColumns& block) {
      const auto all = block.sum<ColumnPart<T>>([&](int64_t n) {
        return ColumnPart<T>{x[n * k_count + block.column()] * factor - samples[n], T(1)};
      });
      if (block.leads()) prototypes[block.column()] = all.largest + std::log(all.sum);
    });
    each_block(op, count, 1, [=] __device__(int64_t n, int64_t) {
      Softmax<T> part;
      for (int64_t k = threadIdx.x; k < k_count; k += block_threads)
        part.add(x[n * k_count + k] * factor - prototypes[k]);
      const T all = block_merge(part).log_sum_exp();
      if (threadIdx.x == 0) samples[n] = all;
    });
  }
  each_block(op, op.y.dim(0), 1, [=, first = op.first] __device__(int64_t i, int64_t) {
    const int64_t n = first + i;
    const T weighted = block_sum<T>(k_count, [&](int64_t k) {
      const T logarithm = x[n * k_count + k] * factor - prototypes[k] - samples[n], share = std::exp(logarithm);
      y[i * k_count + k] = share;
      return share * logarithm;
    });
    if (threadIdx.x == 0) entropy[i] = -weighted;
  });
}

}  // namespace

void kernel(Cuda, const Sinkhorn& op) {
  // Scores are never bf16.
  visit_arithmetic(op.x.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
