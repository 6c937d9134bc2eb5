#include "tensor/ops/gather.h"

#include <algorithm>
#include <vector>

namespace minissl::ops {
namespace {

Tensor with_rows(const Tensor& t, int64_t rows) {
  Shape shape = t.shape();
  shape[0] = rows;
  return Tensor::empty(shape, t.dtype(), t.device());
}

void require_index(const char* name, const Tensor& index, int64_t rows, bool distinct) {
  require(index.rank() == 1 && index.dtype() == DType::i64, "{}: an index is i64 (K), not {}", name, index.str());
  // A dry run computes no values, so there are none to check.
  if (!index.storage()->on_host() || DryRun::active()) return;
  std::vector<bool> seen(static_cast<size_t>(distinct ? rows : 0));
  for (const int64_t i : index.span<int64_t>()) {
    require(0 <= i && i < rows, "{}: index {} is out of the range of {} rows", name, i, rows);
    if (!distinct) continue;
    require(!seen[static_cast<size_t>(i)], "{}: index {} is there twice", name, i);
    seen[static_cast<size_t>(i)] = true;
  }
}

void require_rows(const char* name, const Tensor& x) { require(x.rank() > 0, "{}: {} has no rows", name, x.str()); }

void require_row_each(const char* name, const Tensor& x, const Tensor& index) {
  require_rows(name, x);
  require(index.rank() == 1 && index.dim(0) == x.dim(0), "{}: the index {} has not one element for each row of {}",
          name, index.str(), x.str());
}

}  // namespace

void kernel(Reference, const GatherRows& op) {
  visit_dtype(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    const int64_t width = row_numel(op.x);
    const T* x = op.x.data<T>();
    T* y = op.y.mutable_data<T>();
    for (const int64_t i : op.index.span<int64_t>()) y = std::copy_n(x + i * width, width, y);
  });
}

void kernel(Reference, const ScatterRows& op) {
  visit_dtype(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    const int64_t width = row_numel(op.x);
    const T* x = op.x.data<T>();
    T* y = op.y.mutable_data<T>();
    std::fill_n(y, op.y.numel(), T{});
    for (const int64_t i : op.index.span<int64_t>()) {
      std::copy_n(x, width, y + i * width);
      x += width;
    }
  });
}

void kernel(Reference, const GatherRowsGradient& op) {
  visit_arithmetic(op.dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const int64_t width = row_numel(op.dy);
    const T* dy = op.dy.data<T>();
    T* dx = op.dx.mutable_data<T>();
    std::fill_n(dx, op.dx.numel(), T{0});
    for (const int64_t i : op.index.span<int64_t>()) {
      for (int64_t c = 0; c < width; ++c) dx[i * width + c] += dy[c];
      dy += width;
    }
  });
}

Tensor gather_rows(const Tensor& x, const Tensor& index) {
  require_rows("gather_rows", x);
  require_index("gather_rows", index, x.dim(0), false);
  const GatherRows op{x, index.to(x.device()), with_rows(x, index.dim(0))};
  run(op);
  return op.y;
}

Tensor scatter_rows(const Tensor& x, const Tensor& index, int64_t rows) {
  require_row_each("scatter_rows", x, index);
  require_index("scatter_rows", index, rows, true);
  const ScatterRows op{x, index.to(x.device()), with_rows(x, rows)};
  run(op);
  return op.y;
}

Tensor gather_rows_gradient(const Tensor& dy, const Tensor& index, int64_t rows) {
  require_row_each("gather_rows_gradient", dy, index);
  require_index("gather_rows_gradient", index, rows, false);
  const GatherRowsGradient op{dy, index.to(dy.device()), with_rows(dy, rows)};
  run(op);
  return op.dx;
}

}  // namespace minissl::ops
