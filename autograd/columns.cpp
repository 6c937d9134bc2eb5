#include "tensor/ops/columns.h"

#include "autograd/functions.h"
#include "autograd/gradients.h"
#include "tensor/ops/diagonal.h"
#include "tensor/ops/elementwise.h"

namespace minissl {

Variable center_columns(const Variable& x) {
  return record("center_columns", {x}, ops::center_columns(x.value()), {},
                [](const Tensor& dy, const BackwardContext&) -> Gradients { return {ops::center_columns(dy)}; });
}

Variable standardize(const Variable& x) {
  require(x.shape().rank() == 2 && x.shape()[0] > 1, "standardize needs at least two rows (N, D), not {}", x.value());
  ops::Standardize op{x.value(), Tensor::empty_like(x.value()), like(x.value(), {x.shape()[1]})};
  run(op);
  return record("standardize", {x}, op.y, {op.y, op.std},
                [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                  ops::StandardizeGradient gradient{dy, context.saved(0), context.saved(1), Tensor::empty_like(dy)};
                  run(gradient);
                  return {gradient.dx};
                });
}

Variable fill_diagonal(const Variable& x, double value) {
  return record("fill_diagonal", {x}, ops::fill_diagonal(x.value(), value), {},
                [](const Tensor& dy, const BackwardContext&) -> Gradients { return {ops::fill_diagonal(dy, 0)}; });
}

DiagonalDistance diagonal_distance(const Variable& c, double target, double on_weight, double off_weight) {
  require(c.shape().rank() == 2 && c.shape()[0] == c.shape()[1], "diagonal_distance needs a square matrix, not {}",
          c.value());
  ops::DiagonalDistance op{c.value(), like(c.value(), {1}), like(c.value(), {1}), target};
  run(op);
  const Tensor loss = ops::binary<ops::Add>(ops::unary(op.on, ops::Affine{on_weight, 0}),
                                            ops::unary(op.off, ops::Affine{off_weight, 0}));
  return {record("diagonal_distance", {c}, loss, {c.value()},
                 [=](const Tensor& dloss, const BackwardContext& context) -> Gradients {
                   const Tensor c = context.saved(0);
                   ops::DiagonalDistanceGradient gradient{dloss,  c,         Tensor::empty_like(c),
                                                          target, on_weight, off_weight};
                   run(gradient);
                   return {gradient.dc};
                 }),
          op.on, op.off};
}

Variable column_variance(const Variable& x) {
  require(x.shape().rank() == 2 && x.shape()[0] > 1, "column_variance needs at least two rows (N, D), not {}",
          x.value());
  ops::ColumnVariance op{x.value(), like(x.value(), {x.shape()[1]})};
  run(op);
  return record("column_variance", {x}, op.y, {x.value()},
                [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                  const Tensor x = context.saved(0);
                  ops::ColumnVarianceGradient gradient{dy, x, Tensor::empty_like(x)};
                  run(gradient);
                  return {gradient.dx};
                });
}

}  // namespace minissl
