#include "tensor/ops/batch_norm.h"

#include "autograd/functions.h"
#include "autograd/gradients.h"
#include "autograd/recompute.h"
#include "tensor/bits.h"
#include "tensor/group.h"
#include "tensor/ops/elementwise.h"
#include "tensor/ops/reduce.h"

namespace minissl {
namespace {

// Throws Error unless weight, bias and statistics have one number per channel and the residual has x's shape.
void require_channels(const char* name, const Tensor& x, std::initializer_list<const Tensor*> per_channel,
                      const Tensor& residual) {
  require(x.rank() > 0, "{}: {} has no channels", name, x);
  for (const Tensor* t : per_channel)
    require(t->shape() == Shape{x.dim(-1)}, "{}: {} for {}; one number per channel is needed", name, *t, x);
  require(!residual.defined() || residual.shape() == x.shape(), "{}: residual {} for {}; the shapes must agree", name,
          residual, x);
}

// The g-th of `groups` equal runs of images; undefined for an undefined tensor.
Tensor part_of(const Tensor& t, int64_t g, int64_t groups) {
  if (!t.defined() || groups == 1) return t;
  const int64_t images = t.dim(0) / groups;
  return t.rows(g * images, (g + 1) * images);
}

// One bit per element of x.
Tensor empty_mask(const Tensor& x) {
  Shape shape = x.shape();
  shape[-1] = bytes_for_bits(shape[-1]);
  return Tensor::empty(shape, DType::u8, x.device());
}

// The forward pass's exchange between ranks: replaces the mean and variance of this rank's part, in place, by those of
// all ranks' parts. The parts have equal sizes, so the mean is the mean of the means, and the variance is the mean of
// (variance + (mean - overall mean)^2) (Chan, Golub and LeVeque 1983). Sums of x and x^2 would save an all-reduce, but
// cancel where the mean is large compared with the deviation.
void combine_over_ranks(Group& group, const Tensor& mean, const Tensor& variance) {
  if (group.size() == 1) return;
  const auto average = [&](const Tensor& t) {
    group.all_sum(t);
    t.copy_from(ops::unary(t, ops::Affine{1.0 / group.size(), 0}));
  };
  const Tensor own = mean.clone();
  average(mean);
  const Tensor apart = ops::binary<ops::Subtract>(own, mean);
  variance.copy_from(ops::binary<ops::Add>(variance, ops::unary<ops::Square>(apart)));
  average(variance);
}

// The backward pass's exchange between ranks: dx depends on the sums over all ranks' parts. (The gradients of weight
// and bias stay this rank's own: they are summed together with all other parameter gradients.)
void combine_over_ranks(Group& group, const Tensor& gradient_sums) { group.all_sum(gradient_sums); }

// The rows at `positions` of x viewed as (M, C); undefined for an undefined Variable.
Variable at_positions(const Variable& x, const Tensor& positions) {
  if (!x.defined()) return x;
  const int64_t channels = x.shape()[-1];
  return gather_rows(view(x, {x.value().numel() / channels, channels}), positions, Repeats::none);
}

// Puts the rows back at their positions in a tensor of `shape`, with zeros elsewhere.
Variable from_positions(const Variable& rows, const Tensor& positions, const Shape& shape) {
  return view(scatter_rows(rows, positions, shape.numel() / shape[-1]), shape);
}

BatchNormOptions options_at_positions(const BatchNormOptions& options) {
  BatchNormOptions there = options;
  there.residual = at_positions(options.residual, options.positions);
  there.positions = {};
  return there;
}

}  // namespace

// Backward keeps x and, for a ReLU after an addition, one bit per element. The reader of y (the next convolution)
// recomputes it from x and the statistics, at the cost of reading and writing it once.
BatchNormResult batch_norm(const Variable& x, const Variable& weight, const Variable& bias,
                           const BatchNormOptions& options) {
  const Variable& residual = options.residual;
  if (options.positions.defined()) {
    require_channels("batch_norm", x.value(), {&weight.value(), &bias.value()}, residual.value());
    require(options.groups == 1, "batch_norm: positions need groups = 1, not {}", options.groups);
    BatchNormResult there = batch_norm(at_positions(x, options.positions), weight, bias, options_at_positions(options));
    there.y = from_positions(there.y, options.positions, x.shape());
    return there;
  }
  const bool relu = options.relu, has_residual = residual.defined();
  const double eps = options.eps;
  require_channels("batch_norm", x.value(), {&weight.value(), &bias.value()}, residual.value());
  const int64_t channels = x.shape()[-1], groups = options.groups;
  require(groups > 0 && x.shape()[0] % groups == 0, "batch_norm: {} does not fall into {} equal groups", x.value(),
          groups);
  Group& group = Group::current();
  require(x.value().numel() * group.size() > groups * channels,
          "batch_norm: {} has one element per channel, which has no variance; use a "
          "larger batch or image",
          x.value());
  const int64_t count = x.value().numel() / channels / groups * group.size();
  std::vector<Variable> inputs{x, weight, bias};
  if (has_residual) inputs.push_back(residual);
  // Statistics have the weights' type: images may be bf16.
  const Tensor y = Tensor::empty_like(x.value()), mean = like(weight.value(), {groups, channels}),
               variance = like(mean, mean.shape());
  const Tensor mask = relu && has_residual && will_record(inputs) ? empty_mask(x.value()) : Tensor();
  for (int64_t g = 0; g < groups; ++g) {
    const Tensor x_part = part_of(x.value(), g, groups);
    const Tensor mean_part = mean.slice(g * channels, {channels}),
                 variance_part = variance.slice(g * channels, {channels});
    run(ops::BatchNormStatistics{x_part, mean_part, variance_part});
    combine_over_ranks(group, mean_part, variance_part);
    run(ops::BatchNorm{.x = x_part,
                       .weight = weight.value(),
                       .bias = bias.value(),
                       .mean = mean_part,
                       .variance = variance_part,
                       .residual = part_of(residual.value(), g, groups),
                       .y = part_of(y, g, groups),
                       .eps = eps,
                       .relu = relu,
                       .mask = part_of(mask, g, groups)});
  }
  Variable result =
      record("batch_norm", std::move(inputs), y, {x, weight, bias, mean, variance, mask},
             [=, &group](const Tensor& dy, const BackwardContext& context) -> Gradients {
               const Tensor x = context.saved(0), weight = context.saved(1), bias = context.saved(2);
               const Tensor mean = context.saved(3), variance = context.saved(4), mask = context.saved(5);
               // Without a ReLU in between, the residual's gradient is dy itself.
               const bool dresidual_wanted = has_residual && relu && context.needs(3);
               const Tensor reused = dy.unique() && (relu || !has_residual) ? dy : Tensor::empty_like(dy);
               const Tensor dx = dresidual_wanted ? Tensor::empty_like(dy) : reused;
               const Tensor dresidual = dresidual_wanted ? reused : Tensor();
               const Tensor dweight = Tensor::empty_like(mean), dbias = Tensor::empty_like(mean);
               const Tensor sums = Tensor::empty({2, channels}, DType::f64, dy.device());
               for (int64_t g = 0; g < groups; ++g) {
                 const ops::BatchNormGradientSums reduction{.dy = part_of(dy, g, groups),
                                                            .x = part_of(x, g, groups),
                                                            .weight = weight,
                                                            .bias = bias,
                                                            .mean = mean.slice(g * channels, {channels}),
                                                            .variance = variance.slice(g * channels, {channels}),
                                                            .mask = part_of(mask, g, groups),
                                                            .sums = sums,
                                                            .dweight = dweight.slice(g * channels, {channels}),
                                                            .dbias = dbias.slice(g * channels, {channels}),
                                                            .eps = eps,
                                                            .relu = relu};
                 run(reduction);
                 combine_over_ranks(group, sums);
                 run(ops::BatchNormGradient{.dy = reduction.dy,
                                            .x = reduction.x,
                                            .weight = weight,
                                            .bias = bias,
                                            .mean = reduction.mean,
                                            .variance = reduction.variance,
                                            .mask = reduction.mask,
                                            .sums = sums,
                                            .dx = part_of(dx, g, groups),
                                            .dresidual = part_of(dresidual, g, groups),
                                            .count = count,
                                            .eps = eps,
                                            .relu = relu});
               }
               Gradients gradients{dx, ops::column_sum(dweight), ops::column_sum(dbias)};
               if (has_residual) gradients.push_back(relu ? dresidual : dy);
               return gradients;
             });
  count_naively(x);
  const Recipe recipe = [=](const std::vector<Tensor>& in) {
    const Tensor again = Tensor::empty_like(in[0]);
    for (int64_t g = 0; g < groups; ++g)
      run(ops::BatchNorm{.x = part_of(in[0], g, groups),
                         .weight = in[1],
                         .bias = in[2],
                         .mean = in[3].slice(g * channels, {channels}),
                         .variance = in[4].slice(g * channels, {channels}),
                         .residual = part_of(in[5], g, groups),
                         .y = part_of(again, g, groups),
                         .eps = eps,
                         .relu = relu});
    return again;
  };
  // An addition ends a block, so the block's plan decides.
  if (has_residual)
    result.offer_recipe({x, weight, bias, mean, variance, residual}, recipe);
  else
    result.recompute_by(Recompute::each_use, {x, weight, bias, mean, variance, residual}, recipe);
  return {result, mean, variance, count};
}

Variable batch_norm_inference(const Variable& x, const Tensor& weight, const Tensor& bias, const Tensor& mean,
                              const Tensor& variance, const BatchNormOptions& options) {
  require(NoGradScope::active() || !(x.requires_grad() || options.residual.requires_grad()),
          "batch_norm_inference has no derivative; evaluate within NoGradScope");
  require_channels("batch_norm_inference", x.value(), {&weight, &bias, &mean, &variance}, options.residual.value());
  if (options.positions.defined())
    return from_positions(batch_norm_inference(at_positions(x, options.positions), weight, bias, mean, variance,
                                               options_at_positions(options)),
                          options.positions, x.shape());
  const ops::BatchNorm op{.x = x.value(),
                          .weight = weight,
                          .bias = bias,
                          .mean = mean,
                          .variance = variance,
                          .residual = options.residual.value(),
                          .y = Tensor::empty_like(x.value()),
                          .eps = options.eps,
                          .relu = options.relu};
  run(op);
  return op.y;
}

}  // namespace minissl
