#include "tensor/cuda/reduce.h"
#include "tensor/ops/rows.h"

// Sums along rows take a block for each row; everything else takes a thread for each element.
namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const AddRow& op) {
  const T* x = data<T>(op.x);
  const auto* row = data<Arithmetic<T>>(op.row);
  T* y = mutable_data<T>(op.y);
  each(op, op.x.numel(),
       [=, d = op.x.dim(-1)] __device__(int64_t i) { y[i] = static_cast<T>(at(x, i) + at(row, i % d)); });
}

template <class T>
void compute(const RowDot& op) {
  const T *a = data<T>(op.a), *b = data<T>(op.b);
  T* y = mutable_data<T>(op.y);
  each_block(op, op.a.dim(0), 1, [=, d = op.a.dim(1)] __device__(int64_t n, int64_t) {
    const auto sum = block_sum<Arithmetic<T>>(d, [=](int64_t i) { return at(a, n * d + i) * at(b, n * d + i); });
    if (threadIdx.x == 0) y[n] = static_cast<T>(sum);
  });
}

template <class T>
void compute(const RowScale& op) {
  const T *dy = data<T>(op.dy), *other = data<T>(op.other);
  T* dx = mutable_data<T>(op.dx);
  each(op, op.dx.numel(),
       [=, d = op.dx.dim(1)] __device__(int64_t i) { dx[i] = static_cast<T>(at(dy, i / d) * at(other, i)); });
}

template <class T>
void compute(const Normalize& op) {
  using A = Arithmetic<T>;
  const T* x = data<T>(op.x);
  T *y = mutable_data<T>(op.y), *norm = mutable_data<T>(op.norm);
  each_block(op, op.x.dim(0), 1, [=, d = op.x.dim(1)] __device__(int64_t n, int64_t) {
    const T* row = x + n * d;
    const A length = std::sqrt(block_sum<A>(d, [=](int64_t i) { return at(row, i) * at(row, i); }));
    const A eps = static_cast<A>(Normalize::eps), divisor = length < eps ? eps : length;
    for (int64_t i = threadIdx.x; i < d; i += block_threads) y[n * d + i] = static_cast<T>(at(row, i) / divisor);
    if (threadIdx.x == 0) norm[n] = static_cast<T>(length);
  });
}

template <class T>
void compute(const NormalizeGradient& op) {
  using A = Arithmetic<T>;
  const T *dy = data<T>(op.dy), *y = data<T>(op.y), *norm = data<T>(op.norm);
  T* dx = mutable_data<T>(op.dx);
  each_block(op, op.dy.dim(0), 1, [=, d = op.dy.dim(1)] __device__(int64_t n, int64_t) {
    const T *y_row = y + n * d, *dy_row = dy + n * d;
    const A dot = block_sum<A>(d, [=](int64_t i) { return at(y_row, i) * at(dy_row, i); });
    // A row shorter than eps is divided by a constant, so nothing along y has to be subtracted.
    const A length = at(norm, n), eps = static_cast<A>(Normalize::eps);
    const A along = length > eps ? dot : A(0), divisor = length < eps ? eps : length;
    for (int64_t i = threadIdx.x; i < d; i += block_threads)
      dx[n * d + i] = static_cast<T>((at(dy_row, i) - along * at(y_row, i)) / divisor);
  });
}

template <class T>
void compute(const ConcatColumns& op) {
  const T *a = data<T>(op.a), *b = data<T>(op.b);
  T* y = mutable_data<T>(op.y);
  const int64_t first = op.a.dim(1), second = op.b.dim(1), width = first + second;
  each(op, op.y.numel(), [=] __device__(int64_t i) {
    const int64_t n = i / width, c = i % width;
    y[i] = c < first ? a[n * first + c] : b[n * second + c - first];
  });
}

template <class T>
void compute(const SliceColumns& op) {
  const T* x = data<T>(op.x);
  T* y = mutable_data<T>(op.y);
  each(op, op.y.numel(), [=, begin = op.begin, from = op.x.dim(1), width = op.y.dim(1)] __device__(int64_t i) {
    y[i] = x[i / width * from + begin + i % width];
  });
}

template <class T>
void compute(const PermuteRows& op) {
  const T* x = data<T>(op.x);
  const auto* order = data<int64_t>(op.order);
  T* y = mutable_data<T>(op.y);
  each(op, op.x.numel(), [=, width = op.x.numel() / op.x.dim(0), inverse = op.inverse] __device__(int64_t i) {
    const int64_t there = order[i / width] * width + i % width;
    inverse ? y[there] = x[i] : y[i] = x[there];
  });
}

template <class Op>
void by_floating_type(const Op& op) {
  visit_floating(op.dispatch().dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
template <class Op>
void by_any_type(const Op& op) {
  visit_dtype(op.dispatch().dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace

void kernel(Cuda, const AddRow& op) { by_floating_type(op); }
void kernel(Cuda, const RowDot& op) { by_floating_type(op); }
void kernel(Cuda, const RowScale& op) { by_floating_type(op); }
void kernel(Cuda, const Normalize& op) { by_floating_type(op); }
void kernel(Cuda, const NormalizeGradient& op) { by_floating_type(op); }
void kernel(Cuda, const ConcatColumns& op) { by_any_type(op); }
void kernel(Cuda, const SliceColumns& op) { by_any_type(op); }
void kernel(Cuda, const PermuteRows& op) { by_any_type(op); }
void kernel(Cuda, const GridPositions& op) {
  auto* y = mutable_data<int64_t>(op.y);
  each(op, op.y.numel(),
       [=, width = op.width, first = op.first, down = op.down, across = op.across] __device__(int64_t i) {
         y[i] = first + i / width * down + i % width * across;
       });
}

void kernel(Cuda, const ConcatRows& op) { kernel(Reference{}, op); }

}  // namespace minissl::ops
