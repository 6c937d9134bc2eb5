#include "tensor/ops/linear.h"

#include <algorithm>

#include "tensor/eigen.h"
#include "tensor/matrix_product.h"
#include "tensor/parallel.h"

namespace minissl::ops {

void kernel(Reference, const Linear& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    auto y = mutable_rows_of<T>(op.y);
    y.noalias() = rows_of<T>(op.x) * rows_of<T>(op.weight).transpose();
    if (op.bias.defined()) y.rowwise() += row_of<T>(op.bias).row(0);
    if (op.residual.defined()) y += rows_of<T>(op.residual);
  });
}

namespace {

MatrixProduct product_of(const Linear& op) {
  const int64_t out = op.y.dim(-1);
  return MatrixProduct({.m = op.y.numel() / out, .n = out, .k = op.x.dim(-1), .transpose_b = true});
}

}  // namespace

// The sums begin with the bias or the residual: a pass over memory less than adding them to the product.
void kernel(Cpu, const Linear& op) {
  const int64_t in = op.x.dim(-1), out = op.y.dim(-1), rows = op.y.numel() / out;
  const float* bias = op.bias.defined() ? op.bias.data<float>() : nullptr;
  const float* residual = op.residual.defined() ? op.residual.data<float>() : nullptr;
  float* y = op.y.mutable_data<float>();
  simd::Addend addend = bias ? simd::Addend{bias, 0} : simd::Addend{residual, out};
  if (bias && residual) {
    parallel_for(rows, std::max<int64_t>(1, 32768 / out), [=](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n)
        std::transform(bias, bias + out, residual + n * out, y + n * out, std::plus<>());
    });
    addend = {y, out};
  }
  product_of(op).run({op.x.data<float>(), in}, {op.weight.data<float>(), in}, y, out, addend);
}

int64_t workspace_bytes(Cpu, const Linear& op) { return 4 * product_of(op).floats(); }

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& residual) {
  require(x.rank() >= 2 && weight.rank() == 2 && x.dim(-1) == weight.dim(1) && x.dtype() == weight.dtype(),
          "linear: {} and weight {} don't fit", x, weight);
  Shape shape = x.shape();
  shape[-1] = weight.dim(0);
  require(!bias.defined() || (bias.shape() == Shape{weight.dim(0)} && bias.dtype() == master_type(x.dtype())),
          "linear: weight {} and bias {} don't fit", weight, bias);
  require(!residual.defined() || (residual.shape() == shape && residual.dtype() == x.dtype()),
          "linear: the residual {} has not the shape {} of what it is added to", residual, shape);
  Linear op{x, weight, bias, residual, Tensor::empty(shape, x.dtype(), x.device())};
  run(op);
  return op.y;
}

}  // namespace minissl::ops
