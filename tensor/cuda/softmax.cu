#include "tensor/cuda/reduce.h"
#include "tensor/cuda/softmax.h"
#include "tensor/ops/softmax.h"

// A block for each row.
namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const Softmax& op) {
  const T *x = data<T>(op.x), *noise = data<T>(op.noise);
  T* y = mutable_data<T>(op.y);
  each_block(op, op.x.dim(0), 1,
             [=, width = op.x.dim(1), scale = static_cast<T>(op.scale)] __device__(int64_t n, int64_t) {
               const auto logit = [&](int64_t i) { return scale * (noise ? x[i] + noise[i] : x[i]); };
               cuda::Softmax<T> part;
               for (int64_t d = threadIdx.x; d < width; d += block_threads) part.add(logit(n * width + d));
               const cuda::Softmax<T> all = block_merge(part);
               for (int64_t i = n * width + threadIdx.x; i < (n + 1) * width; i += block_threads)
                 y[i] = std::exp(logit(i) - all.largest) / all.sum;
             });
}

template <class T>
void compute(const SoftmaxGradient& op) {
  const T *dy = data<T>(op.dy), *y = data<T>(op.y);
  T* dx = mutable_data<T>(op.dx);
  each_block(op, op.dy.dim(0), 1,
             [=, width = op.dy.dim(1), scale = static_cast<T>(op.scale)] __device__(int64_t n, int64_t) {
               const int64_t begin = n * width;
               const T along = block_sum<T>(width, [=](int64_t d) { return dy[begin + d] * y[begin + d]; });
               for (int64_t i = begin + threadIdx.x; i < begin + width; i += block_threads)
                 dx[i] = scale * y[i] * (dy[i] - along);
             });
}

template <class T>
void compute(const SoftmaxEntropy& op) {
  const T* x = data<T>(op.x);
  T *y = mutable_data<T>(op.y), *log_sum_exp = mutable_data<T>(op.log_sum_exp);
  each_block(op, op.x.dim(0), 1, [=, width = op.x.dim(1)] __device__(int64_t n, int64_t) {
    const T* row = x + n * width;
    cuda::Softmax<T> part;
    for (int64_t d = threadIdx.x; d < width; d += block_threads) part.add(row[d]);
    const cuda::Softmax<T> all = block_merge(part);
    const T weighted = block_sum<T>(width, [=](int64_t d) {
      const T below = row[d] - all.largest;
      return std::exp(below) * below;
    });
    if (threadIdx.x != 0) return;
    log_sum_exp[n] = all.log_sum_exp();
    y[n] = std::log(all.sum) - weighted / all.sum;
  });
}

template <class T>
void compute(const SoftmaxEntropyGradient& op) {
  const T *dy = data<T>(op.dy), *x = data<T>(op.x), *y = data<T>(op.y), *log_sum_exp = data<T>(op.log_sum_exp);
  T* dx = mutable_data<T>(op.dx);
  each(op, op.x.numel(), [=, width = op.x.dim(1)] __device__(int64_t i) {
    const int64_t n = i / width;
    const T log_q = x[i] - log_sum_exp[n];
    dx[i] = -dy[n] * std::exp(log_q) * (log_q + y[n]);
  });
}

template <class Op>
void by_type(const Op& op) {
  // Logits are never bf16.
  visit_arithmetic(op.dispatch().dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace

void kernel(Cuda, const Softmax& op) { by_type(op); }
void kernel(Cuda, const SoftmaxGradient& op) { by_type(op); }
void kernel(Cuda, const SoftmaxEntropy& op) { by_type(op); }
void kernel(Cuda, const SoftmaxEntropyGradient& op) { by_type(op); }

}  // namespace minissl::ops
