#include "tensor/cuda/reduce.h"
#include "tensor/cuda/softmax.h"
#include "tensor/ops/distillation.h"

// A block for each row of logits.
namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const CenteredSoftmax& op) {
  const T *x = data<T>(op.x), *center = data<T>(op.center);
  T *y = mutable_data<T>(op.y), *entropy = mutable_data<T>(op.entropy);
  const NumberOperand temperature(op.temperature);
  each_block(op, op.x.dim(0), 1, [=, classes = op.x.dim(1)] __device__(int64_t n, int64_t) {
    const T factor = static_cast<T>(1 / temperature.get());
    const T* row = x + n * classes;
    Softmax<T> part;
    for (int64_t k = threadIdx.x; k < classes; k += block_threads) part.add((row[k] - center[k]) * factor);
    const Softmax<T> all = block_merge(part);
    const T weighted = block_sum<T>(classes, [&](int64_t k) {
      const T below = (row[k] - center[k]) * factor - all.largest, share = std::exp(below) / all.sum;
      y[n * classes + k] = share;
      return share * below;
    });
    if (threadIdx.x == 0) entropy[n] = std::log(all.sum) - weighted;
  });
}

template <class T>
void compute(const SelfDistillation& op) {
  const T *student = data<T>(op.student), *target = data<T>(op.target);
  T *rows = mutable_data<T>(op.rows), *log_sum_exp = mutable_data<T>(op.log_sum_exp);
  const int64_t classes = op.student.dim(1);
  const int64_t targets = op.rows.dim(0), crops = op.rows.dim(1), images = op.rows.dim(2);
  const T factor = static_cast<T>(1 / op.temperature);
  each_block(op, crops * images, 1, [=] __device__(int64_t i, int64_t) {
    const int64_t c = i / images, n = i % images;
    const T* logits = student + i * classes;
    Softmax<T> part;
    for (int64_t k = threadIdx.x; k < classes; k += block_threads) part.add(logits[k] * factor);
    const T all = block_merge(part).log_sum_exp();
    if (threadIdx.x == 0) log_sum_exp[i] = all;
    for (int64_t g = 0; g < targets; ++g) {
      const T* q = target + (g * images + n) * classes;
      const T sum = g == c ? T(0) : block_sum<T>(classes, [=](int64_t k) { return q[k] * (all - logits[k] * factor); });
      if (threadIdx.x == 0) rows[(g * crops + c) * images + n] = sum;
    }
  });
  T *pairs = mutable_data<T>(op.pairs), *loss = mutable_data<T>(op.loss);
  each_block(op, targets * crops, 1, [=] __device__(int64_t pair, int64_t) {
    const double sum =
        block_sum<double>(images, [=](int64_t n) { return static_cast<double>(rows[pair * images + n]); });
    if (threadIdx.x == 0) pairs[pair] = static_cast<T>(sum / static_cast<double>(images));
  });
  reduce<1>(
      op, targets * crops, [=] __device__(int64_t pair) { return Sums<double, 1>{{static_cast<double>(pairs[pair])}}; },
      [=] __device__(const Sums<double, 1>& sum) {
        loss[0] = static_cast<T>(sum.of[0] / static_cast<double>(targets * (crops - 1)));
      });
}

template <class T>
void compute(const SelfDistillationGradient& op) {
  const T *dloss = data<T>(op.dloss), *student = data<T>(op.student), *target = data<T>(op.target);
  const T* log_sum_exp = data<T>(op.log_sum_exp);
  T* dstudent = mutable_data<T>(op.dstudent);
  const int64_t classes = op.student.dim(1), images = op.student.dim(0) / op.crops, targets = op.target.dim(0) / images;
  const T factor = static_cast<T>(1 / op.temperature);
  const T share = factor / static_cast<T>(targets * (op.crops - 1) * images);
  each(op, op.student.numel(), [=] __device__(int64_t e) {
    const int64_t i = e / classes, k = e % classes, c = i / images, n = i % images;
    const T others = static_cast<T>(c < targets ? targets - 1 : targets);
    T difference = others * std::exp(student[e] * factor - log_sum_exp[i]);
    for (int64_t g = 0; g < targets; ++g)
      if (g != c) difference -= target[(g * images + n) * classes + k];
    dstudent[e] = dloss[0] * share * difference;
  });
}

template <class Op>
void by_type(const Op& op) {
  // Logits are never bf16.
  visit_arithmetic(op.dispatch().dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace

void kernel(Cuda, const CenteredSoftmax& op) { by_type(op); }
void kernel(Cuda, const SelfDistillation& op) { by_type(op); }
void kernel(Cuda, const SelfDistillationGradient& op) { by_type(op); }

}  // namespace minissl::ops
