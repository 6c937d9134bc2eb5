#include "tensor/ops/matmul.h"

#include "tensor/eigen.h"
#include "tensor/onednn.h"
#include "tensor/parallel.h"

namespace minissl::ops {

void kernel(Reference, const MatMul& op) {
  visit_arithmetic(op.a.dtype(), [&](auto type) {
    using T = decltype(type);
    const int64_t a_rows = op.a.dim(-2), a_columns = op.a.dim(-1), b_rows = op.b.dim(-2), b_columns = op.b.dim(-1);
    const int64_t c_rows = op.c.dim(-2), c_columns = op.c.dim(-1);
    const T *a_data = op.a.data<T>(), *b_data = op.b.data<T>();
    T* c_data = op.c.mutable_data<T>();
    for (int64_t n = 0; n < op.batch(); ++n) {
      const ConstMatrixMap<T> a(a_data + n * a_rows * a_columns, a_rows, a_columns);
      const ConstMatrixMap<T> b(b_data + n * b_rows * b_columns, b_rows, b_columns);
      MatrixMap<T> c(c_data + n * c_rows * c_columns, c_rows, c_columns);
      if (op.transpose_a && op.transpose_b)
        c.noalias() = a.transpose() * b.transpose();
      else if (op.transpose_a)
        c.noalias() = a.transpose() * b;
      else if (op.transpose_b)
        c.noalias() = a * b.transpose();
      else
        c.noalias() = a * b;
    }
  });
}

// Threads share the products of a batch, and each product is computed by one thread: that is what oneDNN does when it
// is called from several. So the bits of a batch don't depend on the number of threads, not even where oneDNN would
// split a long sum. A single product is left to all threads of oneDNN.
void kernel(Cpu, const MatMul& op) {
  const int64_t m = op.c.dim(-2), n = op.c.dim(-1), k = op.inner();
  const float *a = op.a.data<float>(), *b = op.b.data<float>();
  float* c = op.c.mutable_data<float>();
  parallel_for(op.batch(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      onednn::matmul(m, n, k, {a + i * m * k, op.a.dim(-1), op.transpose_a},
                     {b + i * k * n, op.b.dim(-1), op.transpose_b}, c + i * m * n, n, false);
  });
}

namespace {

// Whether op(a) (..., M, K) and op(b) (..., K, N) have equal inner extents and leading dimensions.
bool fit(const Shape& a, const Shape& b, Transposed transposed) {
  if (a.rank() < 2 || b.rank() < 2 || a[transposed.a ? -2 : -1] != b[transposed.b ? -1 : -2]) return false;
  if (b.rank() == 2 && !transposed.a) return true;
  return a.rank() == b.rank() && std::equal(a.begin(), a.end() - 2, b.begin());
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, Transposed transposed) {
  require(fit(a.shape(), b.shape(), transposed) && a.dtype() == b.dtype(), "matmul: {}{} and {}{} don't fit", a.str(),
          transposed.a ? " transposed" : "", b.str(), transposed.b ? " transposed" : "");
  Shape shape = a.shape();
  shape[-2] = a.dim(transposed.a ? -1 : -2), shape[-1] = b.dim(transposed.b ? -2 : -1);
  const Tensor c = Tensor::empty(shape, a.dtype(), a.device());
  const bool flattened = b.rank() == 2 && a.rank() > 2;
  const auto flat = [&](const Tensor& t) { return flattened ? t.view({t.shape().leading(1), t.dim(-1)}) : t; };
  run(MatMul{flat(a), b, flat(c), transposed.a, transposed.b});
  return c;
}

}  // namespace minissl::ops
