#include "tensor/ops/softmax.h"

#include <cmath>

#include "tensor/eigen.h"
#include "tensor/ops/long_rows.h"
#include "tensor/parallel.h"

namespace minissl::ops {
namespace {

template <class T>
using RowArray = Eigen::Array<T, 1, Eigen::Dynamic>;
using Row = Eigen::Map<const Eigen::ArrayXf>;
using MutableRow = Eigen::Map<Eigen::ArrayXf>;

template <class F>
void each_row(const Tensor& x, F&& f) {
  parallel_for(x.dim(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) f(n);
  });
}

}  // namespace

void kernel(Reference, const Softmax& op) {
  visit_arithmetic(op.x.dtype(), [&](auto t) {
    using T = decltype(t);
    const auto x = rows_of<T>(op.x);
    auto y = mutable_rows_of<T>(op.y);
    for (int64_t n = 0; n < x.rows(); ++n) {
      RowArray<T> logits = x.row(n).array();
      if (op.noise.defined()) logits += rows_of<T>(op.noise).row(n).array();
      logits *= static_cast<T>(op.scale);
      const RowArray<T> numerators = (logits - logits.maxCoeff()).exp();
      y.row(n) = numerators / static_cast<T>(numerators.template cast<double>().sum());
    }
  });
}

void kernel(Cpu, const Softmax& op) {
  const int64_t width = op.x.dim(1);
  const float *x = op.x.data<float>(), *noise = op.noise.defined() ? op.noise.data<float>() : nullptr;
  const auto scale = static_cast<float>(op.scale);
  float* y = op.y.mutable_data<float>();
  each_row(op.x, [&](int64_t n) {
    MutableRow out(y + n * width, width);
    if (noise != nullptr)
      out = (Row(x + n * width, width) + Row(noise + n * width, width)) * scale;
    else
      out = Row(x + n * width, width) * scale;
    const float largest = out.maxCoeff();
    const double sum = sum_of_pieces(width, [&](int64_t k, int64_t count) {
      out.segment(k, count) = (out.segment(k, count) - largest).exp();
      return out.segment(k, count).sum();
    });
    out *= static_cast<float>(1 / sum);
  });
}

void kernel(Reference, const SoftmaxGradient& op) {
  visit_arithmetic(op.dy.dtype(), [&](auto t) {
    using T = decltype(t);
    const auto dy = rows_of<T>(op.dy), y = rows_of<T>(op.y);
    auto dx = mutable_rows_of<T>(op.dx);
    for (int64_t n = 0; n < dy.rows(); ++n) {
      const T along = static_cast<T>(dy.row(n).cwiseProduct(y.row(n)).template cast<double>().sum());
      dx.row(n) = static_cast<T>(op.scale) * y.row(n).array() * (dy.row(n).array() - along);
    }
  });
}

void kernel(Cpu, const SoftmaxGradient& op) {
  const int64_t width = op.dy.dim(1);
  const float *all_dy = op.dy.data<float>(), *all_y = op.y.data<float>();
  const auto scale = static_cast<float>(op.scale);
  float* dx = op.dx.mutable_data<float>();
  each_row(op.dy, [&](int64_t n) {
    const Row dy(all_dy + n * width, width), y(all_y + n * width, width);
    const auto along = static_cast<float>(sum_of_pieces(
        width, [&](int64_t k, int64_t count) { return (dy.segment(k, count) * y.segment(k, count)).sum(); }));
    MutableRow(dx + n * width, width) = scale * y * (dy - along);
  });
}

void kernel(Reference, const SoftmaxEntropy& op) {
  visit_arithmetic(op.x.dtype(), [&](auto t) {
    using T = decltype(t);
    const auto x = rows_of<T>(op.x);
    T *y = op.y.mutable_data<T>(), *log_sum_exp = op.log_sum_exp.mutable_data<T>();
    for (int64_t n = 0; n < x.rows(); ++n) {
      const T largest = x.row(n).maxCoeff();
      const RowArray<T> below = x.row(n).array() - largest;
      const double sum = below.exp().template cast<double>().sum();
      const double weighted = (below.exp() * below).template cast<double>().sum();
      log_sum_exp[n] = largest + static_cast<T>(std::log(sum));
      y[n] = static_cast<T>(std::log(sum) - weighted / sum);
    }
  });
}

void kernel(Cpu, const SoftmaxEntropy& op) {
  const int64_t width = op.x.dim(1);
  const float* x = op.x.data<float>();
  float *y = op.y.mutable_data<float>(), *log_sum_exp = op.log_sum_exp.mutable_data<float>();
  each_row(op.x, [&](int64_t n) {
    const Row row(x + n * width, width);
    const float largest = row.maxCoeff();
    double weighted = 0;
    const double sum = sum_of_pieces(width, [&](int64_t k, int64_t count) {
      const Eigen::Array<float, Eigen::Dynamic, 1, 0, piece_of_row, 1> below = row.segment(k, count) - largest;
      const Eigen::Array<float, Eigen::Dynamic, 1, 0, piece_of_row, 1> share = below.exp();
      weighted += static_cast<double>((share * below).sum());
      return share.sum();
    });
    log_sum_exp[n] = largest + static_cast<float>(std::log(sum));
    y[n] = static_cast<float>(std::log(sum) - weighted / sum);
  });
}

void kernel(Reference, const SoftmaxEntropyGradient& op) {
  visit_arithmetic(op.x.dtype(), [&](auto t) {
    using T = decltype(t);
    const auto x = rows_of<T>(op.x);
    const T *dy = op.dy.data<T>(), *y = op.y.data<T>(), *log_sum_exp = op.log_sum_exp.data<T>();
    auto dx = mutable_rows_of<T>(op.dx);
    for (int64_t n = 0; n < x.rows(); ++n) {
      const RowArray<T> log_q = x.row(n).array() - log_sum_exp[n];
      dx.row(n) = -dy[n] * log_q.exp() * (log_q + y[n]);
    }
  });
}

void kernel(Cpu, const SoftmaxEntropyGradient& op) {
  const int64_t width = op.x.dim(1);
  const float *x = op.x.data<float>(), *dy = op.dy.data<float>(), *y = op.y.data<float>();
  const float* log_sum_exp = op.log_sum_exp.data<float>();
  float* dx = op.dx.mutable_data<float>();
  each_row(op.x, [&](int64_t n) {
    const Row row(x + n * width, width);
    MutableRow(dx + n * width, width) = -dy[n] * (row - log_sum_exp[n]).exp() * (row - (log_sum_exp[n] - y[n]));
  });
}

}  // namespace minissl::ops
