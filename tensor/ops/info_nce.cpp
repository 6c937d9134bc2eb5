#include "tensor/ops/info_nce.h"

#include <cmath>
#include <limits>

#include "tensor/eigen.h"

namespace minissl::ops {

void kernel(Reference, const InfoNce& op) {
  visit_arithmetic(op.q.dtype(), [&](auto type) {
    using T = decltype(type);
    const int64_t rows = op.q.dim(0), dim = op.q.dim(1), keys = op.negatives.dim(0);
    const auto q = matrix<T>(op.q, rows, dim), k = matrix<T>(op.k, rows, dim);
    const auto negatives = matrix<T>(op.negatives, keys, dim);
    T loss = 0;
    for (int64_t n = 0; n < rows; ++n) {
      const T positive = q.row(n).dot(k.row(n)), positive_logit = positive / static_cast<T>(op.temperature);
      const Matrix<T> logits = q.row(n) * negatives.transpose() / static_cast<T>(op.temperature);
      const T largest = std::max(positive_logit, logits.maxCoeff());
      const double positive_sum = std::exp(static_cast<double>(positive_logit - largest));
      const double negative_sum = (logits.array() - largest).template cast<double>().exp().sum();
      const T log_sum_exp = largest + static_cast<T>(std::log(positive_sum + negative_sum));
      const T share = static_cast<T>(negative_sum / (positive_sum + negative_sum));
      op.positive.mutable_data<T>()[n] = positive;
      op.log_sum_exp.mutable_data<T>()[n] = log_sum_exp;
      op.negative_share.mutable_data<T>()[n] = share;
      if (op.excess.defined()) {
        const Matrix<T> p = (logits.array() - log_sum_exp).exp();
        mutable_matrix<T>(op.excess, rows, dim).row(n) = p * negatives - share * k.row(n);
      }
      loss += log_sum_exp - positive_logit;
    }
    op.loss.mutable_data<T>()[0] = loss / static_cast<T>(rows);
  });
}

void kernel(Reference, const InfoNceGradient& op) {
  visit_arithmetic(op.excess.dtype(), [&](auto type) {
    using T = decltype(type);
    const int64_t rows = op.excess.dim(0), dim = op.excess.dim(1);
    const T scale = op.dloss.data<T>()[0] / static_cast<T>(static_cast<double>(rows) * op.temperature);
    if (op.dq.defined()) mutable_matrix<T>(op.dq, rows, dim) = scale * matrix<T>(op.excess, rows, dim);
    if (op.dk.defined())
      mutable_matrix<T>(op.dk, rows, dim) =
          (-scale * matrix<T>(op.negative_share, rows, 1)).col(0).asDiagonal() * matrix<T>(op.q, rows, dim);
  });
}

}  // namespace minissl::ops
