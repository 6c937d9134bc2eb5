#include "tensor/ops/distillation.h"

#include <cmath>

#include "tensor/eigen.h"
#include "tensor/ops/long_rows.h"
#include "tensor/parallel.h"

namespace minissl::ops {
namespace {

using Row = Eigen::Map<const Eigen::ArrayXf>;

template <class T>
void write_means(const SelfDistillation& op) {
  const int64_t targets = op.pairs.dim(0), crops = op.pairs.dim(1), images = op.rows.dim(2);
  const T* rows = op.rows.data<T>();
  T* pairs = op.pairs.mutable_data<T>();
  double total = 0;
  for (int64_t pair = 0; pair < targets * crops; ++pair) {
    double sum = 0;
    for (int64_t n = 0; n < images; ++n) sum += static_cast<double>(rows[pair * images + n]);
    pairs[pair] = static_cast<T>(sum / static_cast<double>(images));
    total += sum / static_cast<double>(images);
  }
  op.loss.mutable_data<T>()[0] = static_cast<T>(total / static_cast<double>(targets * (crops - 1)));
}

}  // namespace

void kernel(Reference, const CenteredSoftmax& op) {
  visit_arithmetic(op.x.dtype(), [&](auto t) {
    using T = decltype(t);
    const auto x = rows_of<T>(op.x), center = row_of<T>(op.center);
    auto y = mutable_rows_of<T>(op.y);
    T* entropy = op.entropy.mutable_data<T>();
    const T temperature = static_cast<T>(op.temperature.value());
    for (int64_t n = 0; n < x.rows(); ++n) {
      const Eigen::Array<T, 1, Eigen::Dynamic> logits = (x.row(n) - center).array() / temperature;
      const T largest = logits.maxCoeff();
      const Eigen::Array<T, 1, Eigen::Dynamic> numerators = (logits - largest).exp();
      const double sum = numerators.template cast<double>().sum();
      y.row(n) = numerators / static_cast<T>(sum);
      entropy[n] =
          static_cast<T>(std::log(sum) - (y.row(n).array() * (logits - largest)).template cast<double>().sum());
    }
  });
}

void kernel(Cpu, const CenteredSoftmax& op) {
  const int64_t classes = op.x.dim(1);
  const Row center(op.center.data<float>(), classes);
  const float *x = op.x.data<float>(), factor = static_cast<float>(1 / op.temperature.value());
  float *y = op.y.mutable_data<float>(), *entropy = op.entropy.mutable_data<float>();
  parallel_for(op.x.dim(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      Eigen::Map<Eigen::ArrayXf> out(y + n * classes, classes);
      out = (Row(x + n * classes, classes) - center) * factor;
      const float largest = out.maxCoeff();
      double weighted = 0;
      const double sum = sum_of_pieces(classes, [&](int64_t k, int64_t count) {
        const Eigen::Array<float, Eigen::Dynamic, 1, 0, piece_of_row, 1> below = out.segment(k, count) - largest;
        out.segment(k, count) = below.exp();
        weighted += static_cast<double>((out.segment(k, count) * below).sum());
        return out.segment(k, count).sum();
      });
      out *= static_cast<float>(1 / sum);
      entropy[n] = static_cast<float>(std::log(sum) - weighted / sum);
    }
  });
}

void kernel(Reference, const SelfDistillation& op) {
  visit_arithmetic(op.student.dtype(), [&](auto t) {
    using T = decltype(t);
    const auto student = rows_of<T>(op.student), target = rows_of<T>(op.target);
    const int64_t targets = op.rows.dim(0), crops = op.rows.dim(1), images = op.rows.dim(2);
    T *rows = op.rows.mutable_data<T>(), *log_sum_exp = op.log_sum_exp.mutable_data<T>();
    for (int64_t c = 0; c < crops; ++c)
      for (int64_t n = 0; n < images; ++n) {
        const Eigen::Array<T, 1, Eigen::Dynamic> logits =
            student.row(c * images + n).array() / static_cast<T>(op.temperature);
        const T largest = logits.maxCoeff();
        const double sum = (logits - largest).exp().template cast<double>().sum();
        const T all = log_sum_exp[c * images + n] = largest + static_cast<T>(std::log(sum));
        for (int64_t g = 0; g < targets; ++g) {
          const auto q = target.row(g * images + n).array();
          rows[(g * crops + c) * images + n] =
              g == c ? T(0) : static_cast<T>((q * (all - logits)).template cast<double>().sum());
        }
      }
    write_means<T>(op);
  });
}

void kernel(Cpu, const SelfDistillation& op) {
  const int64_t classes = op.student.dim(1);
  const int64_t targets = op.rows.dim(0), crops = op.rows.dim(1), images = op.rows.dim(2);
  const float *student = op.student.data<float>(), *target = op.target.data<float>();
  const auto factor = static_cast<float>(1 / op.temperature);
  float *rows = op.rows.mutable_data<float>(), *log_sum_exp = op.log_sum_exp.mutable_data<float>();
  parallel_for(crops * images, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t c = i / images, n = i % images;
      const Row logits(student + i * classes, classes);
      const float all = log_sum_exp[i] = log_sum_exp_of(logits, factor);
      for (int64_t g = 0; g < targets; ++g) {
        const Row q(target + (g * images + n) * classes, classes);
        const auto of_piece = [&](int64_t k, int64_t count) {
          return (q.segment(k, count) * (all - logits.segment(k, count) * factor)).sum();
        };
        const double sum = g == c ? 0 : sum_of_pieces(classes, of_piece);
        rows[(g * crops + c) * images + n] = static_cast<float>(sum);
      }
    }
  });
  write_means<float>(op);
}

void kernel(Reference, const SelfDistillationGradient& op) {
  visit_arithmetic(op.student.dtype(), [&](auto t) {
    using T = decltype(t);
    const auto student = rows_of<T>(op.student), target = rows_of<T>(op.target);
    const int64_t images = student.rows() / op.crops, targets = target.rows() / images;
    const T scale =
        op.dloss.data<T>()[0] / static_cast<T>(static_cast<double>(targets * (op.crops - 1) * images) * op.temperature);
    auto dstudent = mutable_rows_of<T>(op.dstudent);
    for (int64_t i = 0; i < student.rows(); ++i) {
      const int64_t c = i / images;
      const T log_sum_exp = op.log_sum_exp.data<T>()[i], others = static_cast<T>(c < targets ? targets - 1 : targets);
      dstudent.row(i) = others * (student.row(i).array() / static_cast<T>(op.temperature) - log_sum_exp).exp();
      for (int64_t g = 0; g < targets; ++g)
        if (g != c) dstudent.row(i) -= target.row(g * images + i % images);
      dstudent.row(i) *= scale;
    }
  });
}

void kernel(Cpu, const SelfDistillationGradient& op) {
  const int64_t classes = op.student.dim(1), images = op.student.dim(0) / op.crops, targets = op.target.dim(0) / images;
  const float *student = op.student.data<float>(), *target = op.target.data<float>();
  const float* log_sum_exp = op.log_sum_exp.data<float>();
  const auto factor = static_cast<float>(1 / op.temperature);
  const float scale = op.dloss.data<float>()[0] * factor / static_cast<float>(targets * (op.crops - 1) * images);
  float* dstudent = op.dstudent.mutable_data<float>();
  parallel_for(op.student.dim(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t c = i / images;
      const float of_softmax = scale * static_cast<float>(c < targets ? targets - 1 : targets);
      Eigen::Map<Eigen::ArrayXf> out(dstudent + i * classes, classes);
      out = of_softmax * (Row(student + i * classes, classes) * factor - log_sum_exp[i]).exp();
      for (int64_t g = 0; g < targets; ++g)
        if (g != c) out -= scale * Row(target + (g * images + i % images) * classes, classes);
    }
  });
}

SoftTargets centered_softmax(const Tensor& x, const Tensor& center, const Number& temperature) {
  require(x.rank() == 2 && center.numel() == x.dim(1) && center.dtype() == x.dtype(),
          "centered_softmax: logits {} (N, K) and a centre {} (K) don't fit", x, center);
  CenteredSoftmax op{x, center, Tensor::empty_like(x), Tensor::empty({x.dim(0)}, x.dtype(), x.device()), temperature};
  run(op);
  return {op.y, op.entropy};
}

}  // namespace minissl::ops
