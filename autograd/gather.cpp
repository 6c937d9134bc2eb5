#include "tensor/ops/gather.h"

#include "autograd/functions.h"
#include "autograd/gradients.h"

namespace minissl {

// Moving rows is cheap, and where many rows of the result are zeros or a fill, the rows that were moved take less
// memory: backward moves them again.

Variable gather_rows(const Variable& x, const Tensor& index, Repeats repeats) {
  const Tensor y = ops::gather_rows(x.value(), index);
  const int64_t rows = x.shape()[index.rank() - 1];
  return record("gather_rows", {x}, y, {index}, [=](const Tensor& dy, const BackwardContext& context) -> Gradients {
    const Tensor index = context.saved(0);
    return {repeats == Repeats::none ? ops::scatter_rows(dy, index, rows) : ops::gather_rows_gradient(dy, index, rows)};
  });
}

// Rows of dy go back to the rows of x that they came from; the others are added up for `fill`.
Variable gather_rows_or(const Variable& x, const Tensor& index, const Variable& fill, Repeats repeats) {
  Variable y = record("gather_rows_or", {x, fill}, ops::gather_rows(x.value(), index, fill.value()), {index},
                      [repeats, x_shape = x.shape(), fill_shape = fill.shape()](
                          const Tensor& dy, const BackwardContext& context) -> Gradients {
                        const Tensor index = context.saved(0).to(dy.device());
                        Tensor dx, dfill;
                        if (context.needs(0)) {
                          dx = like(dy, x_shape);
                          if (repeats == Repeats::none)
                            run(ops::ScatterRows{dy, index, dx});
                          else
                            run(ops::GatherRowsGradient{dy, index, dx});
                        }
                        if (context.needs(1)) {
                          dfill = Tensor::empty(fill_shape, master_type(dy.dtype()), dy.device());
                          run(ops::GatherFillGradient{dy, index, dfill, x_shape[index.rank() - 1]});
                        }
                        return {dx, dfill};
                      });
  y.recompute_by(Recompute::each_use, {x, fill, index},
                 [](const std::vector<Tensor>& in) { return ops::gather_rows(in[0], in[2], in[1]); });
  return y;
}

Variable scatter_rows(const Variable& x, const Tensor& index, int64_t rows) {
  Variable y = record("scatter_rows", {x}, ops::scatter_rows(x.value(), index, rows), {index},
                      [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                        return {ops::gather_rows(dy, context.saved(0))};
                      });
  y.recompute_by(Recompute::each_use, {x, index},
                 [rows](const std::vector<Tensor>& in) { return ops::scatter_rows(in[0], in[1], rows); });
  return y;
}

}  // namespace minissl
