#include "tensor/ops/batch_norm.h"

#include "autograd/functions.h"
#include "autograd/recompute.h"
#include "tensor/bits.h"
#include "tensor/ops/reduce.h"

namespace minissl {
namespace {

using Gradients = std::vector<Tensor>;

Tensor like(const Tensor& t, const Shape& shape) { return Tensor::empty(shape, t.dtype(), t.device()); }

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

// A bit for each element of x.
Tensor empty_mask(const Tensor& x) {
  Shape shape = x.shape();
  shape[-1] = bytes_for_bits(shape[-1]);
  return Tensor::empty(shape, DType::u8, x.device());
}

}  // namespace

// What is kept for backward is x, and for the ReLU behind an addition a bit per element. Whoever needs y (the next
// convolution) makes it again from x and the statistics, at the price of reading and writing it once.
BatchNormResult batch_norm(const Variable& x, const Variable& weight, const Variable& bias,
                           const BatchNormOptions& options) {
  const Variable& residual = options.residual;
  const bool relu = options.relu, has_residual = residual.defined();
  const double eps = options.eps;
  require_channels("batch_norm", x.value(), {&weight.value(), &bias.value()}, residual.value());
  const int64_t channels = x.shape()[-1], groups = options.groups;
  require(groups > 0 && x.shape()[0] % groups == 0, "batch_norm: {} does not fall into {} equal groups",
          x.value().str(), groups);
  require(x.value().numel() > groups * channels,
          "batch_norm: {} has one element per channel, which has no variance; use a "
          "larger batch or image",
          x.value().str());
  std::vector<Variable> inputs{x, weight, bias};
  if (has_residual) inputs.push_back(residual);
  // Statistics are of the weights' type: images may be bf16.
  const Tensor y = Tensor::empty_like(x.value()), mean = like(weight.value(), {groups, channels}),
               variance = like(mean, mean.shape());
  const Tensor mask = relu && has_residual && will_record(inputs) ? empty_mask(x.value()) : Tensor();
  for (int64_t g = 0; g < groups; ++g)
    run(ops::BatchNorm{.x = part_of(x.value(), g, groups),
                       .weight = weight.value(),
                       .bias = bias.value(),
                       .residual = part_of(residual.value(), g, groups),
                       .y = part_of(y, g, groups),
                       .mean = mean.slice(g * channels, {channels}),
                       .variance = variance.slice(g * channels, {channels}),
                       .eps = eps,
                       .relu = relu,
                       .mask = part_of(mask, g, groups)});
  Variable result = record("batch_norm", std::move(inputs), y, {x, weight, bias, mean, variance, mask},
                           [=](const Tensor& dy, const BackwardContext& context) -> Gradients {
                             const Tensor x = context.saved(0), weight = context.saved(1), bias = context.saved(2);
                             const Tensor mean = context.saved(3), variance = context.saved(4), mask = context.saved(5);
                             // Without a ReLU in between, the residual's gradient is dy itself.
                             const bool dresidual_wanted = has_residual && relu && context.needs(3);
                             const Tensor reused = dy.unique() && (relu || !has_residual) ? dy : Tensor::empty_like(dy);
                             const Tensor dx = dresidual_wanted ? Tensor::empty_like(dy) : reused;
                             const Tensor dresidual = dresidual_wanted ? reused : Tensor();
                             const Tensor dweight = Tensor::empty_like(mean), dbias = Tensor::empty_like(mean);
                             for (int64_t g = 0; g < groups; ++g)
                               run(ops::BatchNormGradient{.dy = part_of(dy, g, groups),
                                                          .x = part_of(x, g, groups),
                                                          .weight = weight,
                                                          .bias = bias,
                                                          .mean = mean.slice(g * channels, {channels}),
                                                          .variance = variance.slice(g * channels, {channels}),
                                                          .mask = part_of(mask, g, groups),
                                                          .dx = part_of(dx, g, groups),
                                                          .dweight = dweight.slice(g * channels, {channels}),
                                                          .dbias = dbias.slice(g * channels, {channels}),
                                                          .dresidual = part_of(dresidual, g, groups),
                                                          .eps = eps,
                                                          .relu = relu});
                             Gradients gradients{dx, ops::column_sum(dweight), ops::column_sum(dbias)};
                             if (has_residual) gradients.push_back(relu ? dresidual : dy);
                             return gradients;
                           });
  if (!has_residual || !PartScope::keeps_output(y.shape()))
    result.remake_by(has_residual ? Redo::once : Redo::each_use, {x, weight, bias, mean, variance, residual},
                     [=](const std::vector<Tensor>& in) {
                       const Tensor again = Tensor::empty_like(in[0]);
                       for (int64_t g = 0; g < groups; ++g)
                         run(ops::BatchNormInference{.x = part_of(in[0], g, groups),
                                                     .weight = in[1],
                                                     .bias = in[2],
                                                     .mean = in[3].slice(g * channels, {channels}),
                                                     .variance = in[4].slice(g * channels, {channels}),
                                                     .residual = part_of(in[5], g, groups),
                                                     .y = part_of(again, g, groups),
                                                     .eps = eps,
                                                     .relu = relu});
                       return again;
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

}  // namespace minissl
