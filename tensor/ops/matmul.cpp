#include "tensor/ops/matmul.h"

#include "tensor/eigen.h"
#include "tensor/matrix_product.h"
#include "tensor/parallel.h"
#include "tensor/workspace.h"

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

namespace {

// All threads share a single product. Of a batch of products, each is computed by one thread.
struct Products {
  MatrixProduct of_one;
  int64_t slots;

  explicit Products(const MatMul& op)
      : of_one(op.batch() == 1 ? MatrixProduct(shape(op)) : MatrixProduct::alone(shape(op))),
        slots(count_slots(op.batch(), 1)) {}
  int64_t floats() const { return slots * of_one.floats(); }

 private:
  static ProductShape shape(const MatMul& op) {
    return {op.c.dim(-2), op.c.dim(-1), op.inner(), op.transpose_a, op.transpose_b};
  }
};

}  // namespace

void kernel(Cpu, const MatMul& op) {
  const int64_t m = op.c.dim(-2), n = op.c.dim(-1), k = op.inner();
  const float *a = op.a.data<float>(), *b = op.b.data<float>();
  float* c = op.c.mutable_data<float>();
  const Products products(op);
  Workspace workspace(products.floats());
  float* memory = workspace.take(products.floats());
  for_parts(op.batch(), 1, [&](int64_t slot, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      products.of_one.run({a + i * m * k, op.a.dim(-1)}, {b + i * k * n, op.b.dim(-1)}, c + i * m * n, n, {},
                          memory + slot * products.of_one.floats());
  });
}

int64_t workspace_bytes(Cpu, const MatMul& op) { return 4 * Products(op).floats(); }

namespace {

// Whether op(a) (..., M, K) and op(b) (..., K, N) have equal inner extents and leading dimensions.
bool fit(const Shape& a, const Shape& b, Transposed transposed) {
  if (a.rank() < 2 || b.rank() < 2 || a[transposed.a ? -2 : -1] != b[transposed.b ? -1 : -2]) return false;
  if (b.rank() == 2 && !transposed.a) return true;
  return a.rank() == b.rank() && std::equal(a.begin(), a.end() - 2, b.begin());
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, Transposed transposed) {
  require(fit(a.shape(), b.shape(), transposed) && a.dtype() == b.dtype(), "matmul: {}{} and {}{} don't fit", a,
          transposed.a ? " transposed" : "", b, transposed.b ? " transposed" : "");
  Shape shape = a.shape();
  shape[-2] = a.dim(transposed.a ? -1 : -2), shape[-1] = b.dim(transposed.b ? -2 : -1);
  const Tensor c = Tensor::empty(shape, a.dtype(), a.device());
  const bool flattened = b.rank() == 2 && a.rank() > 2;
  const auto flat = [&](const Tensor& t) { return flattened ? t.view({t.shape().leading(1), t.dim(-1)}) : t; };
  run(MatMul{flat(a), b, flat(c), transposed.a, transposed.b});
  return c;
}

}  // namespace minissl::ops
