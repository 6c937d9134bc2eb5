#include "tensor/ops/gather.h"

#include "autograd/functions.h"
#include "autograd/gradients.h"

namespace minissl {

Variable gather_rows(const Variable& x, const Tensor& index, Repeats repeats) {
  const Tensor y = ops::gather_rows(x.value(), index);
  const int64_t rows = x.shape()[0];
  return record("gather_rows", {x}, y, {index}, [=](const Tensor& dy, const BackwardContext& context) -> Gradients {
    const Tensor index = context.saved(0);
    return {repeats == Repeats::none ? ops::scatter_rows(dy, index, rows) : ops::gather_rows_gradient(dy, index, rows)};
  });
}

Variable scatter_rows(const Variable& x, const Tensor& index, int64_t rows) {
  return record("scatter_rows", {x}, ops::scatter_rows(x.value(), index, rows), {index},
                [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                  return {ops::gather_rows(dy, context.saved(0))};
                });
}

}  // namespace minissl
