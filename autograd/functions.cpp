#include "autograd/functions.h"

#include "tensor/ops/batch_norm.h"
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
  std::vector<Tensor> saved;
  if (F::gradient_reads == GradientReads::input) saved = {x.value()};
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
  std::vector<Tensor> saved;
  if (F::gradient_reads_inputs) saved = {a.value(), b.value()};
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

// Throws Error unless weight, bias and statistics are one number per channel, and the residual is like x.
void require_channels(const char* name, const Tensor& x, std::initializer_list<const Tensor*> per_channel,
                      const Tensor& residual) {
  require(x.rank() > 0, "{}: {} has no channels", name, x.str());
  for (const Tensor* t : per_channel)
    require(t->shape() == Shape{x.dim(-1)}, "{}: {} for {}; one number per channel is needed", name, t->str(), x.str());
  require(!residual.defined() || residual.shape() == x.shape(), "{}: residual {} for {}; the shapes must agree", name,
          residual.str(), x.str());
}

// The g-th of `groups` equal runs of images; undefined for an undefined tensor.
Tensor part_of(const Tensor& t, int64_t g, int64_t groups) {
  if (!t.defined() || groups == 1) return t;
  const int64_t images = t.dim(0) / groups;
  return t.rows(g * images, (g + 1) * images);
}

}  // namespace

Variable convolution(const Variable& x, const Variable& w, ops::ConvolutionGeometry geometry) {
  return record("convolution", {x, w}, ops::convolution(x.value(), w.value(), geometry), {x.value(), w.value()},
                [geometry](const Tensor& dy, const BackwardContext& context) -> Gradients {
                  const Tensor &x = context.saved(0), &w = context.saved(1);
                  Gradients gradients(2);
                  if (context.needs(1)) gradients[1] = ops::convolution_weight_gradient(dy, x, w.shape(), geometry);
                  if (context.needs(0)) gradients[0] = ops::convolution_input_gradient(dy, w, x.shape(), geometry);
                  return gradients;
                });
}

BatchNormResult batch_norm(const Variable& x, const Variable& weight, const Variable& bias,
                           const BatchNormOptions& options) {
  require_channels("batch_norm", x.value(), {&weight.value(), &bias.value()}, options.residual.value());
  const int64_t channels = x.shape()[-1], groups = options.groups;
  require(groups > 0 && x.shape()[0] % groups == 0, "batch_norm: {} does not fall into {} equal groups",
          x.value().str(), groups);
  require(x.value().numel() > groups * channels,
          "batch_norm: {} has one element per channel, which has no variance; use a "
          "larger batch or image",
          x.value().str());
  const Tensor y = Tensor::empty_like(x.value()), mean = like(y, {groups, channels}),
               variance = like(y, {groups, channels});
  for (int64_t g = 0; g < groups; ++g)
    run(ops::BatchNorm{.x = part_of(x.value(), g, groups),
                       .weight = weight.value(),
                       .bias = bias.value(),
                       .residual = part_of(options.residual.value(), g, groups),
                       .y = part_of(y, g, groups),
                       .mean = mean.slice(g * channels, {channels}),
                       .variance = variance.slice(g * channels, {channels}),
                       .eps = options.eps,
                       .relu = options.relu});
  std::vector<Tensor> saved{x.value(), weight.value(), mean, variance};
  if (options.relu) saved.push_back(y);
  std::vector<Variable> inputs{x, weight, bias};
  if (options.residual.defined()) inputs.push_back(options.residual);
  const bool relu = options.relu, has_residual = options.residual.defined();
  const double eps = options.eps;
  Variable result =
      record("batch_norm", std::move(inputs), y, std::move(saved),
             [=](const Tensor& dy, const BackwardContext& context) -> Gradients {
               const Tensor &x = context.saved(0), &weight = context.saved(1), &mean = context.saved(2);
               const Tensor dx = Tensor::empty_like(x), dweight = like(x, mean.shape()), dbias = like(x, mean.shape());
               // Without a ReLU in between, the residual's gradient is dy itself.
               const Tensor dresidual = has_residual && relu && context.needs(3) ? Tensor::empty_like(x) : Tensor();
               for (int64_t g = 0; g < groups; ++g)
                 run(ops::BatchNormGradient{.dy = part_of(dy, g, groups),
                                            .x = part_of(x, g, groups),
                                            .weight = weight,
                                            .mean = mean.slice(g * channels, {channels}),
                                            .variance = context.saved(3).slice(g * channels, {channels}),
                                            .y = relu ? part_of(context.saved(4), g, groups) : Tensor(),
                                            .dx = part_of(dx, g, groups),
                                            .dweight = dweight.slice(g * channels, {channels}),
                                            .dbias = dbias.slice(g * channels, {channels}),
                                            .dresidual = part_of(dresidual, g, groups),
                                            .eps = eps});
               Gradients gradients{dx, ops::column_sum(dweight), ops::column_sum(dbias)};
               if (has_residual) gradients.push_back(relu ? dresidual : dy);
               return gradients;
             });
  return {result, mean, variance};
}

Variable batch_norm_inference(const Variable& x, const Tensor& weight, const Tensor& bias, const Tensor& mean,
                              const Tensor& variance, const BatchNormOptions& options) {
  require(NoGradScope::active() || !(x.requires_grad() || options.residual.requires_grad()),
          "batch_norm_inference has no derivative; evaluate within NoGradScope");
  require_channels("batch_norm_inference", x.value(), {&weight, &bias, &mean, &variance}, options.residual.value());
  ops::BatchNormInference op{
      x.value(),   weight,      bias, mean, variance, options.residual.value(), Tensor::empty_like(x.value()),
      options.eps, options.relu};
  run(op);
  return op.y;
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
  return record("max_pool", {x}, op.y, {op.positions},
                [=](const Tensor& dy, const BackwardContext& context) -> Gradients {
                  ops::MaxPoolGradient gradient{dy, context.saved(0), like(dy, in), window, stride, padding};
                  run(gradient);
                  return {gradient.dx};
                });
}

Variable global_average_pool(const Variable& x) {
  require(x.shape().rank() == 4, "global_average_pool needs images (N, H, W, C), not {}", x.value().str());
  const Shape in = x.shape();
  ops::GlobalAveragePool op{x.value(), like(x.value(), {in[0], in[3]})};
  run(op);
  return record("global_average_pool", {x}, op.y, {}, [in](const Tensor& dy, const BackwardContext&) -> Gradients {
    ops::GlobalAveragePoolGradient gradient{dy, like(dy, in)};
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
  return record("matmul", {a, b}, ops::matmul(a.value(), b.value(), transposed), {a.value(), b.value()},
                [transposed](const Tensor& dc, const BackwardContext& context) -> Gradients {
                  const Tensor &a = context.saved(0), &b = context.saved(1);
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
                      const Tensor& other = context.saved(1 - side);
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
  const Tensor loss = Tensor::full({1}, on_weight * op.on.item() + off_weight * op.off.item(), op.on.dtype());
  return {record("diagonal_distance", {c}, loss, {c.value()},
                 [=](const Tensor& dloss, const BackwardContext& context) -> Gradients {
                   const Tensor& c = context.saved(0);
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
                  return {ops::permute_rows(dy, ops::inverse_permutation(context.saved(0)))};
                });
}

Variable column_variance(const Variable& x) {
  require(x.shape().rank() == 2 && x.shape()[0] > 1, "column_variance needs at least two rows (N, D), not {}",
          x.value().str());
  ops::ColumnVariance op{x.value(), like(x.value(), {x.shape()[1]})};
  run(op);
  return record("column_variance", {x}, op.y, {x.value()},
                [](const Tensor& dy, const BackwardContext& context) -> Gradients {
                  const Tensor& x = context.saved(0);
                  ops::ColumnVarianceGradient gradient{dy, x, Tensor::empty_like(x)};
                  run(gradient);
                  return {gradient.dx};
                });
}

Variable sum(const Variable& x) {
  ops::Sum op{x.value(), like(x.value(), {1})};
  run(op);
  return record("sum", {x}, op.y, {}, [shape = x.shape()](const Tensor& dy, const BackwardContext&) -> Gradients {
    return {Tensor::full(shape, dy.item(), dy.dtype(), dy.device())};
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
        const Tensor& logits = context.saved(0);
        ops::CrossEntropyGradient gradient{dy, logits, context.saved(1), context.saved(2), Tensor::empty_like(logits)};
        run(gradient);
        return {gradient.dlogits};
      });
}

}  // namespace minissl
