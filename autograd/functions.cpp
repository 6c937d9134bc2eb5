#include "autograd/functions.h"

#include "autograd/recompute.h"
#include "tensor/ops/cast.h"
#include "tensor/ops/columns.h"
#include "tensor/ops/diagonal.h"
#include "tensor/ops/elementwise.h"
#include "tensor/ops/pooling.h"
#include "tensor/ops/rows.h"

namespace minissl {
namespace {

using Gradients = std::vector<Tensor>;

Tensor like(const Tensor& t, const Shape& shape) { return Tensor::empty(shape, t.dtype(), t.device()); }

template <class F>
Variable unary(const Variable& x, F f = {}) {
  using ops::GradientReads;
  const Tensor y = ops::unary(x.value(), f);
  std::vector<Saved> saved;
  if (F::gradient_reads == GradientReads::input) saved = {x};
  if (F::gradient_reads == GradientReads::output) saved = {y};
  return record(F::name, {x}, y, std::move(saved), [f](const Tensor& dy, const BackwardContext& context) -> Gradients {
    ops::UnaryGradient<F> op{dy, {}, {}, Tensor::empty_like(dy), f};
    if (F::gradient_reads == GradientReads::input) op.x = context.saved(0);
    if (F::gradient_reads == GradientReads::output) op.y = context.saved(0);
    run(op);
    return {op.dx};
  });
}

template <class F>
Variable binary(const Variable& a, const Variable& b) {
  std::vector<Saved> saved;
  if (F::gradient_reads_inputs) saved = {a, b};
  return record(F::name, {a, b}, ops::binary<F>(a.value(), b.value()), std::move(saved),
                [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                  ops::BinaryGradient<F> op{dy, {}, {}, {}, {}, {}};
                  if (F::gradient_reads_inputs) op.a = context.saved(0), op.b = context.saved(1);
                  if (context.needs(0)) op.da = Tensor::empty_like(dy);
                  if (context.needs(1)) op.db = Tensor::empty_like(dy);
                  run(op);
                  return {op.da, op.db};
                });
}

}  // namespace

Variable convolution(const Variable& x, const Variable& w, ops::ConvolutionGeometry geometry) {
  // Only the weights' gradient reads x.
  const Saved saved_x = w.requires_grad() ? Saved(x) : Saved();
  const Shape x_shape = x.shape();
  Variable y = record("convolution", {x, w}, ops::convolution(x.value(), w.value(), geometry), {saved_x, w},
                      [geometry, x_shape](const Tensor& dy, const BackwardContext& context) -> Gradients {
                        const Tensor w = context.saved(1);
                        Gradients gradients(2);
                        // x goes before the gradient of its size comes.
                        if (context.needs(1))
                          gradients[1] = ops::convolution_weight_gradient(dy, context.saved(0), w.shape(), geometry);
                        if (context.needs(0)) gradients[0] = ops::convolution_input_gradient(dy, w, x_shape, geometry);
                        return gradients;
                      });
  if (w.requires_grad()) count_naively(x);
  product(y, ops::convolution_flops(w.shape(), y.shape()), {x, w},
          [geometry](const std::vector<Tensor>& in) { return ops::convolution(in[0], in[1], geometry); });
  return y;
}

Variable max_pool(const Variable& x, int64_t window, int64_t stride, int64_t padding) {
  require(x.shape().rank() == 4, "max_pool needs images (N, H, W, C), not {}", x.value().str());
  const ops::ConvolutionGeometry geometry{stride, padding};
  const Shape& in = x.shape();
  require(
      stride > 0 && 0 <= padding && padding < window && window <= 16,
      "max_pool: a window of {} at stride {} with padding {} is not possible; the window may be 1 to 16, the padding "
      "less than that",
      window, stride, padding);
  require(in[1] + 2 * padding >= window && in[2] + 2 * padding >= window,
          "max_pool: images {} are smaller than the window of {}", x.value().str(), window);
  const Shape out{in[0], geometry.output_extent(in[1], window), geometry.output_extent(in[2], window), in[3]};
  ops::MaxPool op{x.value(), like(x.value(), out), Tensor::empty(out, DType::u8, x.value().device()), window, stride,
                  padding};
  run(op);
  Variable y =
      record("max_pool", {x}, op.y, {op.positions}, [=](const Tensor& dy, const BackwardContext& context) -> Gradients {
        ops::MaxPoolGradient gradient{dy, context.saved(0), like(dy, in), window, stride, padding};
        run(gradient);
        return {gradient.dx};
      });
  // PyTorch keeps the input and a 64-bit position for each maximum.
  count_naively(x, out.numel() * static_cast<int64_t>(sizeof(int64_t)));
  y.offer_recipe({x}, [=](const std::vector<Tensor>& in) {
    ops::MaxPool again{in[0], like(in[0], out), Tensor::empty(out, DType::u8, in[0].device()), window, stride, padding};
    run(again);
    return again.y;
  });
  return y;
}

Variable global_average_pool(const Variable& x) {
  require(x.shape().rank() == 4, "global_average_pool needs images (N, H, W, C), not {}", x.value().str());
  const Shape in = x.shape();
  const DType type = x.value().dtype();
  ops::GlobalAveragePool op{x.value(), Tensor::empty({in[0], in[3]}, master_type(type), x.value().device())};
  run(op);
  return record("global_average_pool", {x}, op.y, {},
                [in, type](const Tensor& dy, const BackwardContext&) -> Gradients {
                  ops::GlobalAveragePoolGradient gradient{dy, Tensor::empty(in, type, dy.device())};
                  run(gradient);
                  return {gradient.dx};
                });
}

Variable linear(const Variable& x, const Variable& weight, const Variable& bias) {
  const Variable y = matmul(x, weight, {.a = false, .b = true});
  return bias.defined() ? add_row(y, bias) : y;
}

Variable relu(const Variable& x) { return unary<ops::Relu>(x); }
Variable sqrt(const Variable& x) { return unary<ops::Sqrt>(x); }
Variable square(const Variable& x) { return unary<ops::Square>(x); }
Variable affine(const Variable& x, double factor, double offset) { return unary(x, ops::Affine{factor, offset}); }
Variable operator+(const Variable& a, const Variable& b) { return binary<ops::Add>(a, b); }
Variable operator-(const Variable& a, const Variable& b) { return binary<ops::Subtract>(a, b); }
Variable operator*(const Variable& a, const Variable& b) { return binary<ops::Multiply>(a, b); }

// With A and B the transposed operands where asked: dA = dC B^T and dB = A^T dC.
Variable matmul(const Variable& a, const Variable& b, ops::Transposed transposed) {
  return record("matmul", {a, b}, ops::matmul(a.value(), b.value(), transposed),
                {b.requires_grad() ? Saved(a) : Saved(), a.requires_grad() ? Saved(b) : Saved()},
                [transposed](const Tensor& dc, const BackwardContext& context) -> Gradients {
                  const Tensor a = context.saved(0), b = context.saved(1);
                  Gradients gradients(2);
                  if (context.needs(0))
                    gradients[0] = transposed.a ? ops::matmul(b, dc, {transposed.b, true})
                                                : ops::matmul(dc, b, {false, !transposed.b});
                  if (context.needs(1))
                    gradients[1] = transposed.b ? ops::matmul(dc, a, {true, transposed.a})
                                                : ops::matmul(a, dc, {!transposed.a, false});
                  return gradients;
                });
}

Variable add_row(const Variable& x, const Variable& row) {
  require(x.shape().rank() == 2 && row.shape() == Shape{x.shape()[1]}, "add_row: {} and {} don't fit", x.value().str(),
          row.value().str());
  ops::AddRow op{x.value(), row.value(), Tensor::empty_like(x.value())};
  run(op);
  return record("add_row", {x, row}, op.y, {}, [](const Tensor& dy, const BackwardContext& context) -> Gradients {
    return {dy, context.needs(1) ? ops::column_sum(dy) : Tensor()};
  });
}

Variable normalize(const Variable& x) {
  require(x.shape().rank() == 2, "normalize needs rows (N, D), not {}", x.value().str());
  ops::Normalize op{x.value(), Tensor::empty_like(x.value()), like(x.value(), {x.shape()[0]})};
  run(op);
  return record("normalize", {x}, op.y, {op.y, op.norm},
                [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                  ops::NormalizeGradient gradient{dy, context.saved(0), context.saved(1), Tensor::empty_like(dy)};
                  run(gradient);
                  return {gradient.dx};
                });
}

Variable rowwise_dot(const Variable& a, const Variable& b) {
  require(a.shape().rank() == 2 && a.shape() == b.shape(), "rowwise_dot: {} and {} don't fit", a.value().str(),
          b.value().str());
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
          "concat: {} and {} don't have the same rows", a.value().str(), b.value().str());
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
          "concat_rows: {} and {} don't have the same columns", a.value().str(), b.value().str());
  const int64_t first = a.shape()[0], all = first + b.shape()[0];
  ops::ConcatRows op{a.value(), b.value(), like(a.value(), {all, a.shape()[1]})};
  run(op);
  return record("concat_rows", {a, b}, op.y, {}, [first, all](const Tensor& dy, const BackwardContext&) -> Gradients {
    return {dy.rows(0, first), dy.rows(first, all)};
  });
}

Variable center_columns(const Variable& x) {
  return record("center_columns", {x}, ops::center_columns(x.value()), {},
                [](const Tensor& dy, const BackwardContext&) -> Gradients { return {ops::center_columns(dy)}; });
}

Variable standardize(const Variable& x) {
  require(x.shape().rank() == 2 && x.shape()[0] > 1, "standardize needs at least two rows (N, D), not {}",
          x.value().str());
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
          c.value().str());
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

Variable permute_rows(const Variable& x, const Tensor& order) {
  return record("permute_rows", {x}, ops::permute_rows(x.value(), order), {order},
                [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                  return {ops::unpermute_rows(dy, context.saved(0))};
                });
}

Variable column_variance(const Variable& x) {
  require(x.shape().rank() == 2 && x.shape()[0] > 1, "column_variance needs at least two rows (N, D), not {}",
          x.value().str());
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

Variable cast(const Variable& x, DType type) {
  return x.value().dtype() == type ? x : cast(x, ops::cast(x.value(), type));
}

Variable cast(const Variable& x, const Tensor& converted) {
  return record(ops::Cast::name, {x}, converted, {},
                [from = x.value().dtype()](const Tensor& dy, const BackwardContext&) -> Gradients {
                  return {ops::cast(dy, from)};
                });
}

Variable sum(const Variable& x) {
  ops::Sum op{x.value(), like(x.value(), {1})};
  run(op);
  return record("sum", {x}, op.y, {}, [shape = x.shape()](const Tensor& dy, const BackwardContext&) -> Gradients {
    ops::Expand gradient{dy, like(dy, shape)};
    run(gradient);
    return {gradient.y};
  });
}

Variable mean(const Variable& x) { return sum(x) / static_cast<double>(x.value().numel()); }

Variable cross_entropy(const Variable& logits, const Tensor& targets) {
  require(logits.shape().rank() == 2 && targets.dtype() == DType::i64 && targets.shape() == Shape{logits.shape()[0]},
          "cross_entropy: logits {} (N, K) and targets {} (i64, N) don't fit", logits.value().str(), targets.str());
  ops::CrossEntropy op{logits.value(), targets, like(logits.value(), {1}), like(logits.value(), targets.shape())};
  run(op);
  return record(
      "cross_entropy", {logits}, op.loss, {op.logits, op.targets, op.log_sum_exp},
      [](const Tensor& dy, const BackwardContext& context) -> Gradients {
        const Tensor logits = context.saved(0);
        ops::CrossEntropyGradient gradient{dy, logits, context.saved(1), context.saved(2), Tensor::empty_like(logits)};
        run(gradient);
        return {gradient.dlogits};
      });
}

}  // namespace minissl
