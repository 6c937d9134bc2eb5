#include "tensor/ops/attention.h"

#include "tensor/eigen.h"

namespace minissl::ops {
namespace {

template <class T>
using Rows = Eigen::Map<const Matrix<T>, 0, Eigen::OuterStride<>>;
template <class T>
using MutableRows = Eigen::Map<Matrix<T>, 0, Eigen::OuterStride<>>;
template <class T>
using Column = Eigen::Matrix<T, Eigen::Dynamic, 1>;

// scale q k^T + bias
template <class T>
Matrix<T> logits_of(const Rows<T>& q, const Rows<T>& k, double scale, const Tensor& bias, const HeadLayout& at,
                    int64_t head) {
  Matrix<T> logits = static_cast<T>(scale) * q * k.transpose();
  if (bias.defined()) logits += ConstMatrixMap<T>(bias.data<T>() + at.bias(head), at.tokens, at.tokens);
  return logits;
}

}  // namespace

void kernel(Reference, const Attention& op) {
  visit_arithmetic(op.qkv.dtype(), [&](auto type) {
    using T = decltype(type);
    const HeadLayout at(op.qkv);
    const T* qkv = op.qkv.data<T>();
    T* y = op.y.mutable_data<T>();
    for (int64_t head = 0; head < at.count; ++head) {
      const auto rows = [&](int64_t begin) { return Rows<T>(qkv + begin, at.tokens, at.width, at.qkv_stride()); };
      const Matrix<T> logits = logits_of<T>(rows(at.q(head)), rows(at.k(head)), op.scale, op.bias, at, head);
      const Column<T> largest = logits.rowwise().maxCoeff();
      const Matrix<T> numerators = (logits.colwise() - largest).array().exp();
      const Column<T> sums = numerators.rowwise().sum();
      MutableRows<T>(y + at.y(head), at.tokens, at.width, at.y_stride()) =
          sums.cwiseInverse().asDiagonal() * numerators * rows(at.v(head));
      if (op.log_sum_exp.defined())
        Eigen::Map<Column<T>>(op.log_sum_exp.mutable_data<T>() + at.log_sum_exp(head), at.tokens) =
            largest.array() + sums.array().log();
    }
  });
}

void kernel(Reference, const AttentionGradient& op) {
  visit_arithmetic(op.dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const HeadLayout at(op.qkv);
    const T *qkv = op.qkv.data<T>(), *all_dy = op.dy.data<T>();
    T* dqkv = op.dqkv.mutable_data<T>();
    const T scale = static_cast<T>(op.scale);
    if (op.dbias.defined()) op.dbias.fill(0);
    for (int64_t head = 0; head < at.count; ++head) {
      const auto rows = [&](int64_t begin) { return Rows<T>(qkv + begin, at.tokens, at.width, at.qkv_stride()); };
      const auto gradient = [&](int64_t begin) {
        return MutableRows<T>(dqkv + begin, at.tokens, at.width, at.qkv_stride());
      };
      const Rows<T> dy(all_dy + at.y(head), at.tokens, at.width, at.y_stride());
      const auto q = rows(at.q(head)), k = rows(at.k(head)), v = rows(at.v(head));
      const Eigen::Map<const Column<T>> log_sum_exp(op.log_sum_exp.data<T>() + at.log_sum_exp(head), at.tokens);
      const Matrix<T> logits = logits_of<T>(q, k, op.scale, op.bias, at, head);
      const Matrix<T> p = (logits.colwise() - log_sum_exp).array().exp();
      const Matrix<T> dp = dy * v.transpose();
      const Column<T> along = p.cwiseProduct(dp).rowwise().sum();
      const Matrix<T> s = p.cwiseProduct(dp.colwise() - along);
      gradient(at.q(head)) = scale * s * k;
      gradient(at.k(head)) = scale * s.transpose() * q;
      gradient(at.v(head)) = p.transpose() * dy;
      if (op.dbias.defined()) MatrixMap<T>(op.dbias.mutable_data<T>() + at.bias(head), at.tokens, at.tokens) += s;
    }
  });
}

}  // namespace minissl::ops
