#include "tensor/ops/rows.h"

#include "autograd/functions.h"
#include "autograd/gradients.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/transpose.h"

namespace minissl {

Variable transpose(const Variable& x) {
  return record("transpose", {x}, ops::transpose(x.value()), {},
                [](const Tensor& dy, const BackwardContext&) -> Gradients { return {ops::transpose(dy)}; });
}

Variable add_row(const Variable& x, const Variable& row) {
  require(x.shape().rank() >= 2 && row.shape() == Shape{x.shape()[-1]} &&
              row.value().dtype() == master_type(x.value().dtype()),
          "add_row: {} and {} don't fit", x.value(), row.value());
  ops::AddRow op{x.value(), row.value(), Tensor::empty_like(x.value())};
  run(op);
  return record("add_row", {x, row}, op.y, {}, [](const Tensor& dy, const BackwardContext& context) -> Gradients {
    const Tensor rows = dy.view({dy.shape().leading(1), dy.dim(-1)});
    return {dy, context.needs(1) ? ops::column_sum(rows) : Tensor()};
  });
}

Variable normalize(const Variable& x) {
  require(x.shape().rank() == 2, "normalize needs rows (N, D), not {}", x.value());
  ops::Normalize op{x.value(), Tensor::empty_like(x.value()), like(x.value(), {x.shape()[0]})};
  run(op);
  return record("normalize", {x}, op.y, {op.y, op.norm},
                [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                  ops::NormalizeGradient gradient{dy, context.saved(0), context.saved(1), Tensor::empty_like(dy)};
                  run(gradient);
                  return {gradient.dx};
                });
}

Variable scale_rows(const Variable& x, const Variable& factors) {
  require(x.shape().rank() == 2 && factors.shape() == Shape({x.shape()[0], 1}),
          "scale_rows: rows {} (N, D) and factors {} (N, 1) don't fit", x.value(), factors.value());
  ops::RowScale op{factors.value(), x.value(), Tensor::empty_like(x.value())};
  run(op);
  return record("scale_rows", {x, factors}, op.dx, {x, factors.value()},
                [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                  Gradients gradients(2);
                  if (context.needs(0)) {
                    ops::RowScale dx{context.saved(1), dy, Tensor::empty_like(dy)};
                    run(dx);
                    gradients[0] = dx.dx;
                  }
                  if (context.needs(1)) {
                    ops::RowDot dfactors{dy, context.saved(0), like(dy, {dy.dim(0), 1})};
                    run(dfactors);
                    gradients[1] = dfactors.y;
                  }
                  return gradients;
                });
}

Variable rowwise_dot(const Variable& a, const Variable& b) {
  require(a.shape().rank() == 2 && a.shape() == b.shape(), "rowwise_dot: {} and {} don't fit", a.value(), b.value());
  ops::RowDot op{a.value(), b.value(), like(a.value(), {a.shape()[0], 1})};
  run(op);
  return record("rowwise_dot", {a, b}, op.y, {a.value(), b.value()},
                [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                  Gradients gradients(2);
                  for (size_t side : {0, 1})
                    if (context.needs(side)) {
                      const Tensor other = context.saved(1 - side);
                      ops::RowScale op{dy, other, Tensor::empty_like(other)};
                      run(op);
                      gradients[side] = op.dx;
                    }
                  return gradients;
                });
}

Variable concat(const Variable& a, const Variable& b) {
  require(a.shape().rank() == 2 && b.shape().rank() == 2 && a.shape()[0] == b.shape()[0],
          "concat: {} and {} don't have the same rows", a.value(), b.value());
  const int64_t rows = a.shape()[0], widths[] = {a.shape()[1], b.shape()[1]};
  ops::ConcatColumns op{a.value(), b.value(), like(a.value(), {rows, widths[0] + widths[1]})};
  run(op);
  return record(
      "concat", {a, b}, op.y, {},
      [rows, first = widths[0], second = widths[1]](const Tensor& dy, const BackwardContext& context) -> Gradients {
        Gradients gradients(2);
        const auto slice = [&](int64_t begin, int64_t width) {
          ops::SliceColumns part{dy, like(dy, {rows, width}), begin};
          run(part);
          return part.y;
        };
        if (context.needs(0)) gradients[0] = slice(0, first);
        if (context.needs(1)) gradients[1] = slice(first, second);
        return gradients;
      });
}

Variable concat_rows(const Variable& a, const Variable& b) {
  require(a.shape().rank() == 2 && b.shape().rank() == 2 && a.shape()[1] == b.shape()[1],
          "concat_rows: {} and {} don't have the same columns", a.value(), b.value());
  const int64_t first = a.shape()[0], all = first + b.shape()[0];
  ops::ConcatRows op{a.value(), b.value(), like(a.value(), {all, a.shape()[1]})};
  run(op);
  return record("concat_rows", {a, b}, op.y, {}, [first, all](const Tensor& dy, const BackwardContext&) -> Gradients {
    return {dy.rows(0, first), dy.rows(first, all)};
  });
}

Variable permute_rows(const Variable& x, const Tensor& order) {
  return record("permute_rows", {x}, ops::permute_rows(x.value(), order), {order},
                [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                  return {ops::unpermute_rows(dy, context.saved(0))};
                });
}

}  // namespace minissl
