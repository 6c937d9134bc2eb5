#include "tensor/ops/rows.h"

#include <cmath>

#include "tensor/eigen.h"
#include "tensor/parallel.h"

namespace minissl::ops {
namespace {

template <class T>
auto rows_of(const Tensor& t) {
  return matrix<T>(t, t.dim(0), t.dim(1));
}
template <class T>
auto mutable_rows_of(const Tensor& t) {
  return mutable_matrix<T>(t, t.dim(0), t.dim(1));
}
template <class T>
auto row_of(const Tensor& t) {
  return matrix<T>(t, 1, t.numel());
}
template <class T>
auto mutable_row_of(const Tensor& t) {
  return mutable_matrix<T>(t, 1, t.numel());
}
template <class T>
auto column_of(const Tensor& t) {
  return Eigen::Map<const Eigen::Matrix<T, Eigen::Dynamic, 1>>(t.data<T>(), t.numel());
}
template <class T>
auto mutable_column_of(const Tensor& t) {
  return Eigen::Map<Eigen::Matrix<T, Eigen::Dynamic, 1>>(t.mutable_data<T>(), t.numel());
}

template <class Op, class F>
void with_type(const Op& op, F&& f) {
  visit_arithmetic(op.dispatch().dtype(), f);
}

template <class T>
T log_sum_exp_of(const T* logits, int64_t count) {
  T largest = logits[0];
  for (int64_t k = 1; k < count; ++k) largest = std::max(largest, logits[k]);
  double sum = 0;
  for (int64_t k = 0; k < count; ++k) sum += std::exp(static_cast<double>(logits[k] - largest));
  return largest + static_cast<T>(std::log(sum));
}

int64_t target_of(const CrossEntropy& op, int64_t n) {
  const int64_t target = op.targets.data<int64_t>()[n];
  require(0 <= target && target < op.logits.dim(1), "cross_entropy: target {} of row {} is not one of {} classes",
          target, n, op.logits.dim(1));
  return target;
}

template <class T>
void write_mean_loss(const CrossEntropy& op) {
  const T *logits = op.logits.data<T>(), *log_sum_exp = op.log_sum_exp.data<T>();
  const int64_t rows = op.logits.dim(0), classes = op.logits.dim(1);
  T sum = 0;
  for (int64_t n = 0; n < rows; ++n) sum += log_sum_exp[n] - logits[n * classes + target_of(op, n)];
  op.loss.mutable_data<T>()[0] = sum / static_cast<T>(rows);
}

}  // namespace

void kernel(Reference, const AddRow& op) {
  with_type(op, [&](auto t) {
    using T = decltype(t);
    mutable_rows_of<T>(op.y) = rows_of<T>(op.x).rowwise() + row_of<T>(op.row).row(0);
  });
}

void kernel(Reference, const ColumnSum& op) {
  with_type(op, [&](auto t) {
    using T = decltype(t);
    mutable_row_of<T>(op.y) = rows_of<T>(op.x).colwise().sum();
  });
}

void kernel(Reference, const ColumnVariance& op) {
  with_type(op, [&](auto t) {
    using T = decltype(t);
    const auto x = rows_of<T>(op.x);
    const Matrix<T> mean = x.colwise().mean();
    mutable_row_of<T>(op.y) = (x.rowwise() - mean.row(0)).colwise().squaredNorm() / static_cast<T>(x.rows() - 1);
  });
}

void kernel(Reference, const ColumnVarianceGradient& op) {
  with_type(op, [&](auto t) {
    using T = decltype(t);
    const auto x = rows_of<T>(op.x);
    const Matrix<T> mean = x.colwise().mean();
    const Matrix<T> factor = row_of<T>(op.dy) * (T(2) / static_cast<T>(x.rows() - 1));
    mutable_rows_of<T>(op.dx) = (x.rowwise() - mean.row(0)) * factor.row(0).asDiagonal();
  });
}

void kernel(Reference, const RowDot& op) {
  with_type(op, [&](auto t) {
    using T = decltype(t);
    mutable_column_of<T>(op.y) = rows_of<T>(op.a).cwiseProduct(rows_of<T>(op.b)).rowwise().sum();
  });
}

void kernel(Reference, const RowScale& op) {
  with_type(op, [&](auto t) {
    using T = decltype(t);
    mutable_rows_of<T>(op.dx) = column_of<T>(op.dy).asDiagonal() * rows_of<T>(op.other);
  });
}

void kernel(Reference, const Normalize& op) {
  with_type(op, [&](auto t) {
    using T = decltype(t);
    auto norm = mutable_column_of<T>(op.norm);
    norm = rows_of<T>(op.x).rowwise().norm();
    mutable_rows_of<T>(op.y) = norm.cwiseMax(T(Normalize::eps)).cwiseInverse().asDiagonal() * rows_of<T>(op.x);
  });
}

void kernel(Reference, const NormalizeGradient& op) {
  with_type(op, [&](auto t) {
    using T = decltype(t);
    const auto dy = rows_of<T>(op.dy), y = rows_of<T>(op.y);
    const auto norm = column_of<T>(op.norm);
    // A row shorter than eps is divided by a constant: no part along y to take away.
    const Eigen::Matrix<T, Eigen::Dynamic, 1> along =
        (norm.array() > T(Normalize::eps)).select(dy.cwiseProduct(y).rowwise().sum().array(), T(0));
    mutable_rows_of<T>(op.dx) =
        norm.cwiseMax(T(Normalize::eps)).cwiseInverse().asDiagonal() * (dy - along.asDiagonal() * y);
  });
}

void kernel(Reference, const ConcatColumns& op) {
  with_type(op, [&](auto t) {
    using T = decltype(t);
    auto y = mutable_rows_of<T>(op.y);
    y.leftCols(op.a.dim(1)) = rows_of<T>(op.a);
    y.rightCols(op.b.dim(1)) = rows_of<T>(op.b);
  });
}

void kernel(Reference, const SliceColumns& op) {
  with_type(op, [&](auto t) {
    using T = decltype(t);
    mutable_rows_of<T>(op.y) = rows_of<T>(op.x).middleCols(op.begin, op.y.dim(1));
  });
}

void kernel(Reference, const Sum& op) {
  with_type(op, [&](auto t) {
    using T = decltype(t);
    op.y.mutable_data<T>()[0] = row_of<T>(op.x).sum();
  });
}

void kernel(Reference, const Expand& op) { op.y.fill(op.x.item()); }

void kernel(Reference, const CrossEntropy& op) {
  with_type(op, [&](auto t) {
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
      const Eigen::Map<const Eigen::ArrayXf> row(logits + n * classes, classes);
      const float largest = row.maxCoeff();
      // In pieces added up in float64: 65,537 terms lose three digits in one float32 sum.
      double sum = 0;
      for (int64_t k = 0; k < classes; k += 1024)
        sum += static_cast<double>((row.segment(k, std::min<int64_t>(1024, classes - k)) - largest).exp().sum());
      out[n] = largest + static_cast<float>(std::log(sum));
    }
  });
  write_mean_loss<float>(op);
}

void kernel(Reference, const CrossEntropyGradient& op) {
  with_type(op, [&](auto t) {
    using T = decltype(t);
    const auto logits = rows_of<T>(op.logits);
    const T scale = op.dloss.data<T>()[0] / static_cast<T>(logits.rows());
    auto dlogits = mutable_rows_of<T>(op.dlogits);
    for (int64_t n = 0; n < logits.rows(); ++n) {
      dlogits.row(n) = scale * (logits.row(n).array() - op.log_sum_exp.data<T>()[n]).exp();
      dlogits(n, op.targets.data<int64_t>()[n]) -= scale;
    }
  });
}

void kernel(Cpu, const CrossEntropyGradient& op) {
  const int64_t rows = op.logits.dim(0), classes = op.logits.dim(1);
  const float scale = op.dloss.data<float>()[0] / static_cast<float>(rows);
  const float *logits = op.logits.data<float>(), *log_sum_exp = op.log_sum_exp.data<float>();
  const auto* targets = op.targets.data<int64_t>();
  float* dlogits = op.dlogits.mutable_data<float>();
  parallel_for(rows, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const Eigen::Map<const Eigen::ArrayXf> row(logits + n * classes, classes);
      Eigen::Map<Eigen::ArrayXf>(dlogits + n * classes, classes) = scale * (row - log_sum_exp[n]).exp();
      dlogits[n * classes + targets[n]] -= scale;
    }
  });
}

void kernel(Reference, const BatchedTranspose& op) {
  visit_dtype(op.x.dtype(), [&](auto t) {
    using T = decltype(t);
    const int64_t a = op.x.dim(1), b = op.x.dim(2);
    const T* x = op.x.data<T>();
    T* y = op.y.mutable_data<T>();
    for (int64_t n = 0; n < op.x.dim(0); ++n, x += a * b, y += a * b)
      for (int64_t i = 0; i < a; ++i)
        for (int64_t j = 0; j < b; ++j) y[j * a + i] = x[i * b + j];
  });
}

void kernel(Reference, const PermuteRows& op) {
  const int64_t rows = op.x.dim(0), width = op.x.numel() / rows;
  const auto* order = op.order.data<int64_t>();
  visit_dtype(op.x.dtype(), [&](auto t) {
    using T = decltype(t);
    const T* x = op.x.data<T>();
    T* y = op.y.mutable_data<T>();
    for (int64_t i = 0; i < rows; ++i) {
      const auto [from, to] = op.inverse ? std::pair(i, order[i]) : std::pair(order[i], i);
      std::copy_n(x + from * width, width, y + to * width);
    }
  });
}

void kernel(Reference, const GridPositions& op) {
  auto* y = op.y.mutable_data<int64_t>();
  for (int64_t i = 0; i < op.y.numel(); ++i) y[i] = op.first + i / op.width * op.down + i % op.width * op.across;
}

void kernel(Reference, const ConcatRows& op) {
  op.y.rows(0, op.a.dim(0)).copy_from(op.a);
  op.y.rows(op.a.dim(0), op.y.dim(0)).copy_from(op.b);
}

namespace {

void require_permutation(const Tensor& order) {
  // (What a dry run's operations were to have written is not there.)
  if (!order.storage()->on_host() || DryRun::active()) return;
  std::vector<bool> seen(static_cast<size_t>(order.numel()));
  for (const int64_t row : order.span<int64_t>()) {
    require(row >= 0 && row < order.numel() && !seen[static_cast<size_t>(row)],
            "not a permutation of {} rows: {} is out of range or there twice", order.numel(), row);
    seen[static_cast<size_t>(row)] = true;
  }
}

Tensor permuted(const Tensor& x, const Tensor& order, bool inverse) {
  require(x.rank() > 0 && order.shape() == Shape{x.dim(0)} && order.dtype() == DType::i64,
          "permute_rows: the order {} is not one of the rows of {}", order.str(), x.str());
  require_permutation(order);
  PermuteRows op{x, order.to(x.device()), Tensor::empty_like(x), inverse};
  run(op);
  return op.y;
}

Tensor grid_positions(int64_t count, Device device, int64_t width, int64_t first, int64_t down, int64_t across) {
  GridPositions op{Tensor::empty({count}, DType::i64, device), width, first, down, across};
  run(op);
  return op.y;
}

}  // namespace

Tensor permute_rows(const Tensor& x, const Tensor& order) { return permuted(x, order, false); }
Tensor unpermute_rows(const Tensor& x, const Tensor& order) { return permuted(x, order, true); }

Tensor dealt_order(int64_t count, int64_t hands, Device device) {
  require(hands > 0 && count % hands == 0, "{} rows can't be dealt to {} hands", count, hands);
  return grid_positions(count, device, count / hands, 0, 1, hands);
}

Tensor swapped_halves(int64_t count, Device device) {
  require(count % 2 == 0, "{} rows have no halves", count);
  return grid_positions(count, device, count / 2, count / 2, -count / 2, 1);
}

Tensor column_sum(const Tensor& x) {
  require(x.rank() == 2, "column_sum needs rows (N, D), not {}", x.str());
  ColumnSum op{x, Tensor::empty({x.dim(1)}, x.dtype(), x.device())};
  run(op);
  return op.y;
}

Tensor normalize(const Tensor& x) {
  require(x.rank() == 2, "normalize needs rows (N, D), not {}", x.str());
  Normalize op{x, Tensor::empty_like(x), Tensor::empty({x.dim(0)}, x.dtype(), x.device())};
  run(op);
  return op.y;
}

namespace {
Tensor batched_transpose(const Tensor& x, int64_t n, int64_t a, int64_t b, const Shape& shape) {
  BatchedTranspose op{x.view({n, a, b}), Tensor::empty({n, b, a}, x.dtype(), x.device())};
  run(op);
  return op.y.view(shape);
}
}  // namespace

Tensor nchw_to_nhwc(const Tensor& x) {
  require(x.rank() == 4, "nchw_to_nhwc needs four dimensions, not {}", x.str());
  return batched_transpose(x, x.dim(0), x.dim(1), x.dim(2) * x.dim(3), {x.dim(0), x.dim(2), x.dim(3), x.dim(1)});
}

Tensor nhwc_to_nchw(const Tensor& x) {
  require(x.rank() == 4, "nhwc_to_nchw needs four dimensions, not {}", x.str());
  return batched_transpose(x, x.dim(0), x.dim(1) * x.dim(2), x.dim(3), {x.dim(0), x.dim(3), x.dim(1), x.dim(2)});
}

Tensor transpose(const Tensor& x) {
  require(x.rank() == 2, "transpose needs two dimensions, not {}", x.str());
  return batched_transpose(x, 1, x.dim(0), x.dim(1), {x.dim(1), x.dim(0)});
}

}  // namespace minissl::ops
