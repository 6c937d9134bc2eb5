#include "tensor/ops/matmul.h"

#include "tensor/eigen.h"
#include "tensor/onednn.h"

namespace minissl::ops {

void kernel(Reference, const MatMul& op) {
  visit_arithmetic(op.a.dtype(), [&](auto type) {
    using T = decltype(type);
    const auto a = matrix<T>(op.a, op.a.dim(0), op.a.dim(1));
    const auto b = matrix<T>(op.b, op.b.dim(0), op.b.dim(1));
    auto c = mutable_matrix<T>(op.c, op.c.dim(0), op.c.dim(1));
    if (op.transpose_a && op.transpose_b)
      c.noalias() = a.transpose() * b.transpose();
    else if (op.transpose_a)
      c.noalias() = a.transpose() * b;
    else if (op.transpose_b)
      c.noalias() = a * b.transpose();
    else
      c.noalias() = a * b;
  });
}

void kernel(Cpu, const MatMul& op) {
  onednn::matmul(op.c.dim(0), op.c.dim(1), op.a.dim(op.transpose_a ? 0 : 1),
                 {op.a.data<float>(), op.a.dim(1), op.transpose_a}, {op.b.data<float>(), op.b.dim(1), op.transpose_b},
                 op.c.mutable_data<float>(), op.c.dim(1), false);
}

Tensor matmul(const Tensor& a, const Tensor& b, Transposed transposed) {
  require(a.rank() == 2 && b.rank() == 2 && a.dim(transposed.a ? 0 : 1) == b.dim(transposed.b ? 1 : 0),
          "matmul: {}{} and {}{} don't fit", a.str(), transposed.a ? " transposed" : "", b.str(),
          transposed.b ? " transposed" : "");
  const Shape shape{a.dim(transposed.a ? 1 : 0), b.dim(transposed.b ? 0 : 1)};
  MatMul op{a, b, Tensor::empty(shape, a.dtype(), a.device()), transposed.a, transposed.b};
  run(op);
  return op.c;
}

}  // namespace minissl::ops
