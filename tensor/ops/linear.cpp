#include "tensor/ops/linear.h"

#include <algorithm>

#include "tensor/eigen.h"
#include "tensor/onednn.h"
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

// y begins as bias + residual, to which the product is added: a pass over memory less than adding them to the product.
void kernel(Cpu, const Linear& op) {
  const int64_t in = op.x.dim(-1), out = op.y.dim(-1), rows = op.y.numel() / out;
  const float* bias = op.bias.defined() ? op.bias.data<float>() : nullptr;
  const float* residual = op.residual.defined() ? op.residual.data<float>() : nullptr;
  float* y = op.y.mutable_data<float>();
  parallel_for(rows, std::max<int64_t>(1, 32768 / out), [=](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      float* row = y + n * out;
      if (bias && residual)
        std::transform(bias, bias + out, residual + n * out, row, std::plus<>());
      else
        std::copy_n(bias ? bias : residual + n * out, out, row);
    }
  });
  onednn::matmul(rows, out, in, {op.x.data<float>(), in}, {op.weight.data<float>(), in, true}, y, out, true);
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& residual) {
  require(x.rank() >= 2 && weight.rank() == 2 && x.dim(-1) == weight.dim(1) && x.dtype() == weight.dtype(),
          "linear: {} and weight {} don't fit", x.str(), weight.str());
  Shape shape = x.shape();
  shape[-1] = weight.dim(0);
  require(!bias.defined() || (bias.shape() == Shape{weight.dim(0)} && bias.dtype() == master_type(x.dtype())),
          "linear: weight {} and bias {} don't fit", weight.str(), bias.str());
  require(!residual.defined() || (residual.shape() == shape && residual.dtype() == x.dtype()),
          "linear: the residual {} has not the shape {} of what it is added to", residual.str(), shape.str());
  Linear op{x, weight, bias, residual, Tensor::empty(shape, x.dtype(), x.device())};
  run(op);
  return op.y;
}

}  // namespace minissl::ops
