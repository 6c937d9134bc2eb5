#include "tensor/ops/reduce.h"

#include "tensor/eigen.h"

namespace minissl::ops {

void kernel(Reference, const Sum& op) {
  visit_arithmetic(op.x.dtype(), [&](auto t) {
    using T = decltype(t);
    op.y.mutable_data<T>()[0] = row_of<T>(op.x).sum();
  });
}

void kernel(Reference, const Expand& op) { op.y.fill(op.x.item()); }

void kernel(Reference, const ColumnSum& op) {
  visit_arithmetic(op.x.dtype(), [&](auto t) {
    using T = decltype(t);
    mutable_row_of<T>(op.y) = rows_of<T>(op.x).colwise().sum();
  });
}

Tensor column_sum(const Tensor& x) {
  require(x.rank() == 2, "column_sum needs rows (N, D), not {}", x);
  ColumnSum op{x, Tensor::empty({x.dim(1)}, master_type(x.dtype()), x.device())};
  run(op);
  return op.y;
}

}  // namespace minissl::ops
