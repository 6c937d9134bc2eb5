#include "tensor/cuda/launch.h"
#include "tensor/ops/matmul.h"

namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const MatMul& op) {
  using A = Arithmetic<T>;
  const T *a = data<T>(op.a), *b = data<T>(op.b);
  T* c = mutable_data<T>(op.c);
  const int64_t m = op.c.dim(-2), n = op.c.dim(-1), inner = op.inner();
  // Element (i, k) of op(a) is a[i * a_row + k * a_column].
  const int64_t a_row = op.transpose_a ? 1 : inner, a_column = op.transpose_a ? m : 1;
  const int64_t b_row = op.transpose_b ? 1 : n, b_column = op.transpose_b ? inner : 1;
  each(op, op.c.numel(), [=] __device__(int64_t i) {
    const int64_t product = i / (m * n), row = i / n % m, column = i % n;
    const T *left = a + product * m * inner + row * a_row, *right = b + product * inner * n + column * b_column;
    A sum = 0;
    for (int64_t k = 0; k < inner; ++k) sum += at(left, k * a_column) * at(right, k * b_row);
    c[i] = static_cast<T>(sum);
  });
}

}  // namespace

void kernel(Cuda, const MatMul& op) {
  visit_floating(op.a.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
