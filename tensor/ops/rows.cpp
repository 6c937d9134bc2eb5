#include "tensor/ops/rows.h"

#include "tensor/eigen.h"
#include "tensor/parallel.h"

namespace minissl::ops {
namespace {

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

}  // namespace

void kernel(Reference, const AddRow& op) {
  with_type(op, [&](auto t) {
    using T = decltype(t);
    mutable_rows_of<T>(op.y) = rows_of<T>(op.x).rowwise() + row_of<T>(op.row).row(0);
  });
}

void kernel(Cpu, const AddRow& op) {
  const auto x = rows_of<float>(op.x), row = row_of<float>(op.row);
  auto y = mutable_rows_of<float>(op.y);
  parallel_for(x.rows(), std::max<int64_t>(1, 16384 / std::max<int64_t>(x.cols(), 1)), [&](int64_t begin, int64_t end) {
    y.middleRows(begin, end - begin) = x.middleRows(begin, end - begin).rowwise() + row.row(0);
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
    // A row shorter than eps is divided by a constant, so nothing along y has to be subtracted.
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

void kernel(Reference, const ConcatRows& op) {
  op.y.rows(0, op.a.dim(0)).copy_from(op.a);
  op.y.rows(op.a.dim(0), op.y.dim(0)).copy_from(op.b);
}

void kernel(Reference, const SliceColumns& op) {
  with_type(op, [&](auto t) {
    using T = decltype(t);
    mutable_rows_of<T>(op.y) = rows_of<T>(op.x).middleCols(op.begin, op.y.dim(1));
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

namespace {

void require_permutation(const Tensor& order) {
  // A dry run has computed no elements to check.
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
          "permute_rows: the order {} is not one of the rows of {}", order, x);
  require_permutation(order);
  PermuteRows op{x, order.to(x.device()), Tensor::empty_like(x), inverse};
  run(op);
  return op.y;
}

}  // namespace

Tensor grid_positions(int64_t count, int64_t width, int64_t first, int64_t down, int64_t across, Device device) {
  GridPositions op{Tensor::empty({count}, DType::i64, device), width, first, down, across};
  run(op);
  return op.y;
}

Tensor permute_rows(const Tensor& x, const Tensor& order) { return permuted(x, order, false); }
Tensor unpermute_rows(const Tensor& x, const Tensor& order) { return permuted(x, order, true); }

Tensor interleaved_order(int64_t count, int64_t parts, Device device) {
  require(parts > 0 && count % parts == 0, "{} rows can't be dealt to {} equal parts", count, parts);
  return grid_positions(count, count / parts, 0, 1, parts, device);
}

Tensor swapped_halves(int64_t count, Device device) {
  require(count % 2 == 0, "{} rows have no halves", count);
  return grid_positions(count, count / 2, count / 2, -count / 2, 1, device);
}

Tensor normalize(const Tensor& x) {
  require(x.rank() == 2, "normalize needs rows (N, D), not {}", x);
  Normalize op{x, Tensor::empty_like(x), Tensor::empty({x.dim(0)}, x.dtype(), x.device())};
  run(op);
  return op.y;
}

}  // namespace minissl::ops
