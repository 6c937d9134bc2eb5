#include "tensor/ops/loss.h"

#include <cmath>

#include "tensor/eigen.h"
#include "tensor/ops/long_rows.h"
#include "tensor/parallel.h"

namespace minissl::ops {
namespace {

template <class T>
T log_sum_exp_of(const T* logits, int64_t count) {
  T largest = logits[0];
  for (int64_t k = 1; k < count; ++k) largest = std::max(largest, logits[k]);
  double sum = 0;
  for (int64_t k = 0; k < count; ++k) sum += std::exp(static_cast<double>(logits[k] - largest));
  return largest + static_cast<T>(std::log(sum));
}

template <class T>
void write_mean_loss(const CrossEntropy& op) {
  const T *logits = op.logits.data<T>(), *log_sum_exp = op.log_sum_exp.data<T>();
  const int64_t classes = op.logits.dim(1);
  T sum = 0;
  int64_t count = 0;
  for (int64_t n = 0; n < op.logits.dim(0); ++n) {
    const int64_t target = op.targets.data<int64_t>()[n];
    if (target == no_target) continue;
    require(0 <= target && target < classes, "cross_entropy: target {} of row {} is not one of {} classes", target, n,
            classes);
    sum += log_sum_exp[n] - logits[n * classes + target];
    ++count;
  }
  op.count.mutable_data<T>()[0] = static_cast<T>(count);
  op.loss.mutable_data<T>()[0] = sum / static_cast<T>(count);
}

}  // namespace

void kernel(Reference, const CrossEntropy& op) {
  visit_arithmetic(op.logits.dtype(), [&](auto t) {
    using T = decltype(t);
    T* out = op.log_sum_exp.mutable_data<T>();
    const int64_t classes = op.logits.dim(1);
    for (int64_t n = 0; n < op.logits.dim(0); ++n) out[n] = log_sum_exp_of(op.logits.data<T>() + n * classes, classes);
    write_mean_loss<T>(op);
  });
}

void kernel(Cpu, const CrossEntropy& op) {
  const int64_t classes = op.logits.dim(1);
  const float* logits = op.logits.data<float>();
  float* out = op.log_sum_exp.mutable_data<float>();
  parallel_for(op.logits.dim(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      out[n] = log_sum_exp_of(Eigen::Map<const Eigen::ArrayXf>(logits + n * classes, classes));
    }
  });
  write_mean_loss<float>(op);
}

void kernel(Reference, const CrossEntropyGradient& op) {
  visit_arithmetic(op.logits.dtype(), [&](auto t) {
    using T = decltype(t);
    const auto logits = rows_of<T>(op.logits);
    const T scale = op.dloss.data<T>()[0] / op.count.data<T>()[0];
    auto dlogits = mutable_rows_of<T>(op.dlogits);
    for (int64_t n = 0; n < logits.rows(); ++n) {
      const int64_t target = op.targets.data<int64_t>()[n];
      dlogits.row(n).setZero();
      if (target == no_target) continue;
      dlogits.row(n) = scale * (logits.row(n).array() - op.log_sum_exp.data<T>()[n]).exp();
      dlogits(n, target) -= scale;
    }
  });
}

void kernel(Cpu, const CrossEntropyGradient& op) {
  const int64_t rows = op.logits.dim(0), classes = op.logits.dim(1);
  const float scale = op.dloss.data<float>()[0] / op.count.data<float>()[0];
  const float *logits = op.logits.data<float>(), *log_sum_exp = op.log_sum_exp.data<float>();
  const auto* targets = op.targets.data<int64_t>();
  float* dlogits = op.dlogits.mutable_data<float>();
  parallel_for(rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const Eigen::Map<const Eigen::ArrayXf> row(logits + n * classes, classes);
      Eigen::Map<Eigen::ArrayXf> out(dlogits + n * classes, classes);
      if (targets[n] == no_target) {
        out = 0;
        continue;
      }
      out = scale * (row - log_sum_exp[n]).exp();
      out[targets[n]] -= scale;
    }
  });
}

void kernel(Reference, const Accuracy& op) {
  const auto *predictions = op.predictions.data<int64_t>(), *targets = op.targets.data<int64_t>();
  int64_t right = 0, count = 0;
  for (int64_t n = 0; n < op.targets.numel(); ++n) {
    if (targets[n] == no_target) continue;
    right += predictions[n] == targets[n] ? 1 : 0;
    ++count;
  }
  op.y.fill(static_cast<double>(right) / static_cast<double>(count));
}

Tensor accuracy(const Tensor& predictions, const Tensor& targets, DType type) {
  require(predictions.rank() == 1 && predictions.shape() == targets.shape() && predictions.dtype() == DType::i64 &&
              targets.dtype() == DType::i64,
          "accuracy: predictions {} and targets {} (i64, N) don't fit", predictions, targets);
  Tensor y = Tensor::empty({1}, type, targets.device());
  run(Accuracy{predictions, targets, y});
  return y;
}

}  // namespace minissl::ops
