#include "tensor/cuda/reduce.h"
#include "tensor/cuda/softmax.h"
#include "tensor/ops/info_nce.h"
#include "tensor/ops/matmul.h"

// As on the CPU (ops/info_nce_cpu.cpp): a product computes a block of logits, small enough for the second-level cache,
// which is replaced by the softmax's numerators and multiplied by the keys again.
namespace minissl::ops {
namespace {

using namespace cuda;

// The workspace of a kernel, in elements.
class Blocks {
 public:
  explicit Blocks(const InfoNce& op)
      : rows_(op.q.dim(0)),
        dim_(op.excess.defined() ? op.q.dim(1) : 0),
        keys_(std::min(op.negatives.dim(0), keys_of_block(rows_))) {}

  int64_t keys() const { return keys_; }
  int64_t elements() const { return padded(rows_ * keys_) + padded(rows_ * dim_) + 3 * padded(rows_); }

  struct Workspace {
    Tensor all, logits, weighted, largest, sum, shrink;
  };
  Workspace make(const Tensor& like) const {
    const Tensor all = Tensor::empty({elements()}, like.dtype(), like.device());
    int64_t taken = 0;
    const auto take = [&](const Shape& shape) {
      return all.slice(std::exchange(taken, taken + padded(shape.numel())), shape);
    };
    Workspace w{all, take({rows_ * keys_}), {}, {}, {}, {}};
    w.weighted = take({rows_, dim_});
    w.largest = take({rows_});
    w.sum = take({rows_});
    w.shrink = take({rows_});
    return w;
  }

 private:
  // At most 16 MiB of f32; an H100 has 50.
  static int64_t keys_of_block(int64_t rows) {
    constexpr int64_t most_logits = int64_t{1} << 22, most_keys = 8192, step = 256;
    return std::clamp(most_logits / rows / step * step, step, most_keys);
  }
  // cuBLAS likes matrices to begin at multiples of 16 bytes.
  static int64_t padded(int64_t elements) { return divide_up(elements, 16) * 16; }

  int64_t rows_, dim_, keys_;
};

template <class T>
void dot_positives(const InfoNce& op) {
  const T *q = data<T>(op.q), *k = data<T>(op.k);
  T* positive = mutable_data<T>(op.positive);
  each_block(op, op.q.dim(0), 1, [=, dim = op.q.dim(1)] __device__(int64_t n, int64_t) {
    const T dot = block_sum<T>(dim, [=](int64_t d) { return q[n * dim + d] * k[n * dim + d]; });
    if (threadIdx.x == 0) positive[n] = dot;
  });
}

// Replaces dot products by exp(logit - largest), where `largest` is over all keys so far, and updates their sum.
template <class T>
void take_exponentials(const InfoNce& op, const Tensor& dots, const Blocks::Workspace& w, bool first) {
  T *values = mutable_data<T>(dots), *largest = mutable_data<T>(w.largest), *sum = mutable_data<T>(w.sum);
  T* shrink = mutable_data<T>(w.shrink);
  const T factor = static_cast<T>(1 / op.temperature);
  each_block(op, dots.dim(0), 1, [=, count = dots.dim(1)] __device__(int64_t n, int64_t) {
    T* row = values + n * count;
    Softmax<T> part;
    for (int64_t j = threadIdx.x; j < count; j += block_threads) part.add(row[j] * factor);
    Softmax<T> all = block_merge(part);
    const Softmax<T> before = first ? Softmax<T>{} : Softmax<T>{largest[n], sum[n]};
    all.merge(before);
    for (int64_t j = threadIdx.x; j < count; j += block_threads) row[j] = std::exp(row[j] * factor - all.largest);
    __syncthreads();  // all threads have read what is overwritten now
    if (threadIdx.x > 0) return;
    largest[n] = all.largest;
    sum[n] = all.sum;
    shrink[n] = first ? T(0) : std::exp(before.largest - all.largest);
  });
}

template <class T>
void add_weighted_keys(const InfoNce& op, const Blocks::Workspace& w) {
  const T *weighted = data<T>(w.weighted), *shrink = data<T>(w.shrink);
  T* sum = mutable_data<T>(op.excess);
  each(op, op.excess.numel(),
       [=, dim = op.excess.dim(1)] __device__(int64_t i) { sum[i] = sum[i] * shrink[i / dim] + weighted[i]; });
}

template <class T>
void finish(const InfoNce& op, const Blocks::Workspace& w) {
  const T *k = data<T>(op.k), *positive = data<T>(op.positive), *largest = data<T>(w.largest), *sum = data<T>(w.sum);
  T *log_sum_exp = mutable_data<T>(op.log_sum_exp), *share = mutable_data<T>(op.negative_share);
  T *excess = mutable_data<T>(op.excess), *loss = mutable_data<T>(op.loss);
  const T factor = static_cast<T>(1 / op.temperature);
  const int64_t rows = op.q.dim(0);
  each_block(op, rows, 1, [=, dim = op.q.dim(1)] __device__(int64_t n, int64_t) {
    const Softmax<T> negatives{largest[n], sum[n]};
    Softmax<T> all = negatives;
    all.add(positive[n] * factor);
    const T scale = std::exp(negatives.largest - all.largest) / all.sum, negative_share = negatives.sum * scale;
    for (int64_t d = threadIdx.x; excess && d < dim; d += block_threads)
      excess[n * dim + d] = excess[n * dim + d] * scale - negative_share * k[n * dim + d];
    if (threadIdx.x > 0) return;
    log_sum_exp[n] = all.log_sum_exp();
    share[n] = negative_share;
  });
  reduce<1>(
      op, rows,
      [=] __device__(int64_t n) {
        return Sums<double, 1>{{static_cast<double>(log_sum_exp[n]) - static_cast<double>(positive[n] * factor)}};
      },
      [=] __device__(const Sums<double, 1>& of_rows) {
        loss[0] = static_cast<T>(of_rows.of[0] / static_cast<double>(rows));
      });
}

template <class T>
void compute(const InfoNce& op) {
  const Blocks blocks(op);
  const Blocks::Workspace w = blocks.make(op.q);
  dot_positives<T>(op);
  const int64_t rows = op.q.dim(0), keys = op.negatives.dim(0);
  for (int64_t begin = 0; begin < keys; begin += blocks.keys()) {
    const Tensor block = op.negatives.rows(begin, std::min(keys, begin + blocks.keys()));
    const Tensor logits = w.logits.slice(0, {rows, block.dim(0)});
    const bool first = begin == 0;
    kernel(Cuda{}, MatMul{op.q, block, logits, false, true});
    take_exponentials<T>(op, logits, w, first);
    if (!op.excess.defined()) continue;
    kernel(Cuda{}, MatMul{logits, block, first ? op.excess : w.weighted});
    if (!first) add_weighted_keys<T>(op, w);
  }
  finish<T>(op, w);
}

template <class T>
void compute(const InfoNceGradient& op) {
  const T *dloss = data<T>(op.dloss), *q = data<T>(op.q), *share = data<T>(op.negative_share);
  const T* excess = data<T>(op.excess);
  T *dq = mutable_data<T>(op.dq), *dk = mutable_data<T>(op.dk);
  const T by = static_cast<T>(1 / (static_cast<double>(op.excess.dim(0)) * op.temperature));
  each(op, op.excess.numel(), [=, dim = op.excess.dim(1)] __device__(int64_t i) {
    const T scale = dloss[0] * by;
    if (dq) dq[i] = scale * excess[i];
    if (dk) dk[i] = -scale * share[i / dim] * q[i];
  });
}

}  // namespace

void kernel(Cuda, const InfoNce& op) {
  visit_arithmetic(op.q.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const InfoNceGradient& op) {
  visit_arithmetic(op.excess.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

int64_t workspace_bytes(Cuda, const InfoNce& op) { return Blocks(op).elements() * size_of(op.q.dtype()); }

}  // namespace minissl::ops
