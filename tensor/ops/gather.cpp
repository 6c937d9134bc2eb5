#include "tensor/ops/gather.h"

#include <algorithm>
#include <vector>

#include "tensor/ops/row_blocks.h"
#include "tensor/parallel.h"

namespace minissl::ops {
namespace {

constexpr int64_t elements_per_part = 16384;

// The shape of t with another number of rows.
Tensor with_rows(const Tensor& t, const Tensor& index, int64_t rows) {
  Shape shape = t.shape();
  shape[index.rank() - 1] = rows;
  return Tensor::empty(shape, t.dtype(), t.device());
}

void require_index(const char* name, const Tensor& t, const Tensor& index) {
  require((index.rank() == 1 || index.rank() == 2) && index.dtype() == DType::i64,
          "{}: an index is i64 (K), or (N, K) for N images, not {}", name, index);
  require(t.rank() >= index.rank(), "{}: {} has no rows for an index {}", name, t, index);
  require(index.rank() == 1 || t.dim(0) == index.dim(0), "{}: the index {} is not for the images of {}", name, index,
          t);
}

void require_elements(const char* name, const Tensor& index, int64_t rows, bool distinct) {
  // A dry run computes no values, so there are none to check.
  if (!index.storage()->on_host() || DryRun::active() || index.numel() == 0) return;
  std::vector<bool> seen;
  const auto elements = index.span<int64_t>();
  for (size_t n = 0; n < elements.size(); ++n) {
    const int64_t i = elements[n];
    require(is_row(i, rows), "{}: index {} is out of the range of {} rows", name, i, rows);
    if (!distinct) continue;
    if (static_cast<int64_t>(n) % index.dim(-1) == 0) seen.assign(static_cast<size_t>(rows), false);
    require(!seen[static_cast<size_t>(i)], "{}: index {} is there twice", name, i);
    seen[static_cast<size_t>(i)] = true;
  }
}

void require_row_each(const char* name, const Tensor& x, const Tensor& index) {
  require_index(name, x, index);
  require(index.dim(-1) == x.dim(index.rank() - 1), "{}: the index {} has not one element for each row of {}", name,
          index, x);
}

void require_fill(const Tensor& fill, const Tensor& x, const Tensor& index) {
  require(fill.rank() == x.rank() - index.rank() && fill.dtype() == master_type(x.dtype()) &&
              std::equal(fill.shape().begin(), fill.shape().end(), x.shape().begin() + index.rank()),
          "gather_rows: fill {} is not a row of {}", fill, x);
}

// Calls f(begin, end) for elements of the index, of whole images: rows of different images never meet.
template <class F>
void each_image(const RowPlaces& places, F&& f) {
  if (places.count == 0) return;
  const int64_t grain = std::max<int64_t>(1, elements_per_part / std::max<int64_t>(1, places.chosen * places.width));
  parallel_for(places.count / places.chosen, grain,
               [&](int64_t begin, int64_t end) { f(begin * places.chosen, end * places.chosen); });
}

template <class T>
using FillOf = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;

}  // namespace

void kernel(Reference, const GatherRows& op) {
  const RowPlaces places(op.index, op.x);
  const auto* index = op.index.data<int64_t>();
  visit_dtype(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    const T* x = op.x.data<T>();
    const auto* fill = op.fill.defined() ? op.fill.data<FillOf<T>>() : nullptr;
    T* y = op.y.mutable_data<T>();
    const int64_t grain = std::max<int64_t>(1, elements_per_part / std::max<int64_t>(1, places.width));
    parallel_for(places.count, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        T* row = y + i * places.width;
        if (places.contains(index[i]))
          std::copy_n(x + places.begin(i, index[i]), places.width, row);
        else
          std::transform(fill, fill + places.width, row, [](auto value) { return static_cast<T>(value); });
      }
    });
  });
}

void kernel(Reference, const ScatterRows& op) {
  const RowPlaces places(op.index, op.y);
  const auto* index = op.index.data<int64_t>();
  visit_dtype(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    const T* x = op.x.data<T>();
    T* y = op.y.mutable_data<T>();
    std::fill_n(y, op.y.numel(), T{});
    each_image(places, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        if (places.contains(index[i])) std::copy_n(x + i * places.width, places.width, y + places.begin(i, index[i]));
    });
  });
}

void kernel(Reference, const GatherRowsGradient& op) {
  const RowPlaces places(op.index, op.dx);
  const auto* index = op.index.data<int64_t>();
  visit_arithmetic(op.dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const T* dy = op.dy.data<T>();
    T* dx = op.dx.mutable_data<T>();
    std::fill_n(dx, op.dx.numel(), T{0});
    each_image(places, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        if (!places.contains(index[i])) continue;
        T* row = dx + places.begin(i, index[i]);
        for (int64_t c = 0; c < places.width; ++c) row[c] += dy[i * places.width + c];
      }
    });
  });
}

void kernel(Reference, const GatherFillGradient& op) {
  const int64_t width = op.dfill.numel();
  visit_arithmetic(op.dy.dtype(), [&](auto type) {
    using T = decltype(type);
    const T* dy = op.dy.data<T>();
    T* dfill = op.dfill.mutable_data<T>();
    std::fill_n(dfill, width, T{0});
    for (const int64_t row : op.index.span<int64_t>()) {
      for (int64_t c = 0; !is_row(row, op.rows) && c < width; ++c) dfill[c] += dy[c];
      dy += width;
    }
  });
}

void kernel(Cpu, const GatherFillGradient& op) {
  const int64_t width = op.dfill.numel();
  const auto* index = op.index.data<int64_t>();
  const float* dy = op.dy.data<float>();
  sum_row_blocks(
      op.index.numel(), width,
      [=, rows = op.rows](int64_t begin, int64_t end, float* sums) {
        for (int64_t i = begin; i < end; ++i)
          for (int64_t c = 0; !is_row(index[i], rows) && c < width; ++c) sums[c] += dy[i * width + c];
      },
      [dfill = op.dfill.mutable_data<float>()](int64_t c, float total) { dfill[c] = total; });
}

int64_t workspace_bytes(Cpu, const GatherFillGradient& op) {
  return row_blocks_bytes(op.index.numel(), op.dfill.numel());
}

Tensor gather_rows(const Tensor& x, const Tensor& index, const Tensor& fill) {
  require_index("gather_rows", x, index);
  if (fill.defined()) require_fill(fill, x, index);
  if (!fill.defined()) require_elements("gather_rows", index, x.dim(index.rank() - 1), false);
  const GatherRows op{x, index.to(x.device()), fill, with_rows(x, index, index.dim(-1))};
  run(op);
  return op.y;
}

Tensor scatter_rows(const Tensor& x, const Tensor& index, int64_t rows) {
  require_row_each("scatter_rows", x, index);
  require_elements("scatter_rows", index, rows, true);
  const ScatterRows op{x, index.to(x.device()), with_rows(x, index, rows)};
  run(op);
  return op.y;
}

Tensor gather_rows_gradient(const Tensor& dy, const Tensor& index, int64_t rows) {
  require_row_each("gather_rows_gradient", dy, index);
  require_elements("gather_rows_gradient", index, rows, false);
  const GatherRowsGradient op{dy, index.to(dy.device()), with_rows(dy, index, rows)};
  run(op);
  return op.dx;
}

}  // namespace minissl::ops
