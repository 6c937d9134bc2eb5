#include "tensor/ops/diagonal.h"

#include <numeric>
#include <vector>

#include "tensor/eigen.h"
#include "tensor/parallel.h"

namespace minissl::ops {
namespace {

constexpr int64_t rows_per_block = 16;

// The sum of squares of rows [begin, end) without the diagonal. Subtracting the diagonal's squares from the whole sum
// would lose digits. In float64: there may be 67 million terms.
template <class T>
double off_diagonal_squares(const T* c, int64_t d, int64_t begin, int64_t end) {
  double sum = 0;
  const auto add = [&](const T* from, const T* to) {
    double part = 0;
#pragma omp simd reduction(+ : part)
    for (const T* v = from; v < to; ++v) part += static_cast<double>(*v) * static_cast<double>(*v);
    sum += part;
  };
  for (int64_t i = begin; i < end; ++i) {
    const T* row = c + i * d;
    add(row, row + i);
    add(row + i + 1, row + d);
  }
  return sum;
}

template <class T>
void write_parts(const DiagonalDistance& op, double off) {
  const int64_t d = op.c.dim(0);
  const T* c = op.c.data<T>();
  double on = 0;
  for (int64_t i = 0; i < d; ++i) {
    const double miss = static_cast<double>(c[i * d + i]) - op.target;
    on += miss * miss;
  }
  op.on.mutable_data<T>()[0] = static_cast<T>(on);
  op.off.mutable_data<T>()[0] = static_cast<T>(off);
}

template <class T>
void write_gradient_rows(const DiagonalDistanceGradient& op, int64_t begin, int64_t end) {
  const int64_t d = op.c.dim(0);
  const T *c = op.c.data<T>(), dloss = op.dloss.data<T>()[0];
  const T off = static_cast<T>(2 * op.off_weight) * dloss, on = static_cast<T>(2 * op.on_weight) * dloss;
  T* dc = op.dc.mutable_data<T>();
  for (int64_t i = begin; i < end; ++i) {
#pragma omp simd
    for (int64_t j = i * d; j < (i + 1) * d; ++j) dc[j] = off * c[j];
    dc[i * d + i] = on * (c[i * d + i] - static_cast<T>(op.target));
  }
}

}  // namespace

void kernel(Reference, const DiagonalDistance& op) {
  visit_arithmetic(op.c.dtype(), [&](auto type) {
    using T = decltype(type);
    write_parts<T>(op, off_diagonal_squares(op.c.data<T>(), op.c.dim(0), 0, op.c.dim(0)));
  });
}

void kernel(Cpu, const DiagonalDistance& op) {
  const int64_t d = op.c.dim(0);
  std::vector<double> partial(static_cast<size_t>((d + rows_per_block - 1) / rows_per_block));
  for_blocks(d, rows_per_block, [&](int64_t block, int64_t begin, int64_t end) {
    partial[static_cast<size_t>(block)] = off_diagonal_squares(op.c.data<float>(), d, begin, end);
  });
  write_parts<float>(op, std::accumulate(partial.begin(), partial.end(), 0.0));
}

void kernel(Reference, const DiagonalDistanceGradient& op) {
  visit_arithmetic(op.c.dtype(), [&](auto type) { write_gradient_rows<decltype(type)>(op, 0, op.c.dim(0)); });
}

void kernel(Cpu, const DiagonalDistanceGradient& op) {
  parallel_for(op.c.dim(0), rows_per_block,
               [&](int64_t begin, int64_t end) { write_gradient_rows<float>(op, begin, end); });
}

void kernel(Reference, const FillDiagonal& op) {
  op.y.copy_from(op.x);
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    mutable_matrix<T>(op.y, op.y.dim(0), op.y.dim(1)).diagonal().setConstant(static_cast<T>(op.value));
  });
}

Tensor fill_diagonal(const Tensor& x, double value) {
  require(x.rank() == 2 && x.dim(0) == x.dim(1), "fill_diagonal needs a square matrix, not {}", x);
  FillDiagonal op{x, Tensor::empty_like(x), value};
  run(op);
  return op.y;
}

}  // namespace minissl::ops
