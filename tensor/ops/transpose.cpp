#include "tensor/ops/transpose.h"

namespace minissl::ops {

void kernel(Reference, const BatchedTranspose& op) {
  visit_dtype(op.x.dtype(), [&](auto t) {
    using T = decltype(t);
    const int64_t a = op.x.dim(1), b = op.x.dim(2);
    const T* x = op.x.data<T>();
    T* y = op.y.mutable_data<T>();
    for (int64_t n = 0; n < op.x.dim(0); ++n, x += a * b, y += a * b)
      for (int64_t i = 0; i < a; ++i)
        for (int64_t j = 0; j < b; ++j) y[j * a + i] = x[i * b + j];
  });
}

namespace {
Tensor batched_transpose(const Tensor& x, int64_t n, int64_t a, int64_t b, const Shape& shape) {
  BatchedTranspose op{x.view({n, a, b}), Tensor::empty({n, b, a}, x.dtype(), x.device())};
  run(op);
  return op.y.view(shape);
}
}  // namespace

Tensor nchw_to_nhwc(const Tensor& x) {
  require(x.rank() == 4, "nchw_to_nhwc needs four dimensions, not {}", x);
  return batched_transpose(x, x.dim(0), x.dim(1), x.dim(2) * x.dim(3), {x.dim(0), x.dim(2), x.dim(3), x.dim(1)});
}

Tensor nhwc_to_nchw(const Tensor& x) {
  require(x.rank() == 4, "nhwc_to_nchw needs four dimensions, not {}", x);
  return batched_transpose(x, x.dim(0), x.dim(1) * x.dim(2), x.dim(3), {x.dim(0), x.dim(3), x.dim(1), x.dim(2)});
}

Tensor transpose(const Tensor& x) {
  require(x.rank() == 2, "transpose needs two dimensions, not {}", x);
  return batched_transpose(x, 1, x.dim(0), x.dim(1), {x.dim(1), x.dim(0)});
}

}  // namespace minissl::ops
