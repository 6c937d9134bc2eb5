#include "nn/layers.h"

#include <cmath>

#include "nn/parameters.h"
#include "tensor/ops/batch_norm.h"

namespace minissl {
namespace {

constexpr double running_momentum = 0.1;

// A weight for inputs of another type: one copy, shared by all uses.
Variable as_type(const Variable& weight, ConvertedCopy& copy, DType type) {
  return weight.value().dtype() == type ? weight : cast(weight, copy.of(weight.value(), type));
}

// Draws a weight (O, K, K, I), and a bias if it is defined.
void draw_convolution(const Variable& weight, const Variable& bias, ConvolutionDraw draw, uint64_t seed,
                      const std::string& path) {
  const Shape& w = weight.shape();
  if (draw == ConvolutionDraw::uniform) {
    const float bound = 1.0f / std::sqrt(static_cast<float>(w[1] * w[2] * w[3]));
    draw_uniform(weight.value(), bound, seed, path + ".weight");
    if (bias.defined()) draw_uniform(bias.value(), bound, seed, path + ".bias");
    return;
  }
  const bool small = draw == ConvolutionDraw::small;
  draw_normal(weight.value(), small ? 0.02f : std::sqrt(2.0f / static_cast<float>(w[0] * w[1] * w[2])), seed,
              path + ".weight");
  if (bias.defined()) bias.value().fill(0);
}

}  // namespace

Conv2d::Conv2d(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding, const Conv2dOptions& options)
    : weight_(parameter({out, kernel, kernel, in})), geometry_{stride, padding}, draw_(options.draw) {
  add_parameter("weight", weight_, FileLayout::oihw, &converted_);
  if (options.bias) {
    bias_ = parameter({out});
    add_parameter("bias", bias_);
  }
}

Variable Conv2d::forward(const Variable& x) const {
  return convolution(x, as_type(weight_, *converted_, x.value().dtype()), bias_, geometry_);
}

void Conv2d::initialize_own(uint64_t seed, const std::string& path) {
  draw_convolution(weight_, bias_, draw_, seed, path);
}

ConvTranspose2d::ConvTranspose2d(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding,
                                 ConvolutionDraw draw)
    : weight_(parameter({in, kernel, kernel, out})), bias_(parameter({out})), geometry_{stride, padding}, draw_(draw) {
  add_parameter("weight", weight_, FileLayout::oihw, &converted_);
  add_parameter("bias", bias_);
}

Variable ConvTranspose2d::forward(const Variable& x) const {
  return conv_transpose(x, as_type(weight_, *converted_, x.value().dtype()), bias_, geometry_);
}

void ConvTranspose2d::initialize_own(uint64_t seed, const std::string& path) {
  draw_convolution(weight_, bias_, draw_, seed, path);
}

BatchNorm::BatchNorm(int64_t channels, int64_t groups, Affine affine)
    : groups_(groups),
      running_mean_(buffer({channels}, 0)),
      running_var_(buffer({channels}, 1)),
      num_batches_tracked_(buffer({}, 0, DType::i64)) {
  if (affine == Affine::yes) {
    weight_ = parameter({channels});
    bias_ = parameter({channels});
    weight_.value().fill(1);
    add_parameter("weight", weight_);
    add_parameter("bias", bias_);
  }
  add_buffer("running_mean", running_mean_);
  add_buffer("running_var", running_var_);
  add_buffer("num_batches_tracked", num_batches_tracked_);
}

std::pair<Variable, Variable> BatchNorm::affine() const {
  if (weight_.defined()) return {weight_, bias_};
  return {Tensor::full(running_mean_.shape(), 1, running_mean_.dtype(), running_mean_.device()),
          Tensor::zeros_like(running_mean_)};
}

Variable BatchNorm::forward(const Variable& x, const Fused& fused) {
  const auto [weight, bias] = affine();
  const BatchNormOptions options{
      .residual = fused.residual, .relu = fused.relu, .groups = groups_, .positions = fused.positions};
  if (!training()) return batch_norm_inference(x, weight.value(), bias.value(), running_mean_, running_var_, options);
  BatchNormResult result = batch_norm(x, weight, bias, options);
  side_effect([&] { track(result.mean, result.variance, result.count); });
  return result.y;
}

// The scale is the map's value at 1 without a shift; the shift is its value at 0.
BatchNorm::ChannelMap BatchNorm::in_evaluation() const {
  const NoGradScope no_grad;
  const auto [weight, bias] = affine();
  const int64_t channels = running_mean_.numel();
  const Tensor zeros = Tensor::zeros_like(running_mean_);
  const Tensor ones = Tensor::full({1, channels}, 1, zeros.dtype(), zeros.device());
  const auto at = [&, scale = weight.value()](const Tensor& x, const Tensor& shift, const Tensor& mean) {
    return batch_norm_inference(x, scale, shift, mean, running_var_).value().view({channels});
  };
  return {at(ones, zeros, zeros), at(zeros.view({1, channels}), bias.value(), running_mean_)};
}

void BatchNorm::track(const Tensor& mean, const Tensor& variance, int64_t count) {
  run(ops::TrackStatistics{.mean = mean,
                           .variance = variance,
                           .running_mean = running_mean_,
                           .running_variance = running_var_,
                           .batches = num_batches_tracked_,
                           .count = count,
                           .momentum = running_momentum});
}

void BatchNorm::initialize_own(uint64_t, const std::string&) {
  if (weight_.defined()) {
    weight_.value().fill(1);
    bias_.value().fill(0);
  }
  running_mean_.fill(0);
  running_var_.fill(1);
  num_batches_tracked_.fill(0);
}

LayerNorm::LayerNorm(int64_t width, double eps) : weight_(parameter({width})), bias_(parameter({width})), eps_(eps) {
  weight_.value().fill(1);
  add_parameter("weight", weight_);
  add_parameter("bias", bias_);
}

void LayerNorm::initialize_own(uint64_t, const std::string&) {
  weight_.value().fill(1);
  bias_.value().fill(0);
}

Linear::Linear(int64_t in, int64_t out, const LinearOptions& options)
    : init_(options.init), deviation_(options.deviation), parts_(options.parts), weight_(parameter({out, in})) {
  add_parameter("weight", weight_, FileLayout::same, options.converted ? &converted_ : nullptr);
  if (options.bias) {
    bias_ = parameter({out});
    add_parameter("bias", bias_);
  }
}

Variable Linear::forward(const Variable& x, const Variable& residual) const {
  return linear(x, as_type(weight_, *converted_, x.value().dtype()), bias_, residual);
}

Variable Linear::forward_scaled(const Variable& x, const Variable& gains, const Variable& residual) const {
  const Variable weight = scale_rows(weight_, view(gains, {gains.shape()[0], 1}));
  return linear(x, cast(weight, x.value().dtype()), bias_.defined() ? bias_ * gains : bias_, residual);
}

Variable Linear::forward_without_bias(const Variable& x) const {
  return linear(x, as_type(weight_, *converted_, x.value().dtype()), {});
}

void Linear::initialize_own(uint64_t seed, const std::string& path) {
  const int64_t outputs = weight_.shape()[0] / parts_;
  const auto in = static_cast<float>(weight_.shape()[1]), out = static_cast<float>(outputs);
  if (bias_.defined()) bias_.value().fill(0);
  switch (init_) {
    case LinearInit::normal:
      return draw_normal(weight_.value(), static_cast<float>(deviation_), seed, path + ".weight");
    case LinearInit::xavier:
      return draw_uniform(weight_.value(), std::sqrt(6 / (in + out)), seed, path + ".weight");
    case LinearInit::pytorch:
      draw_uniform(weight_.value(), 1 / std::sqrt(in), seed, path + ".weight");
      if (bias_.defined()) draw_uniform(bias_.value(), 1 / std::sqrt(in), seed, path + ".bias");
  }
}

WeightNormLinear::WeightNormLinear(int64_t in, int64_t out, Gains gains) : weight_v_(parameter({out, in})) {
  if (gains == Gains::trained) {
    weight_g_ = parameter({out, 1});
    weight_g_.value().fill(1);
    add_parameter("weight_g", weight_g_);
  } else {
    fixed_g_ = buffer({out, 1}, 1);
    add_buffer("weight_g", fixed_g_);
  }
  add_parameter("weight_v", weight_v_);
}

Variable WeightNormLinear::forward(const Variable& x) const {
  const Variable directions = normalize(weight_v_);
  return linear(x, weight_g_.defined() ? scale_rows(directions, weight_g_) : directions, {});
}

void WeightNormLinear::initialize_own(uint64_t seed, const std::string& path) {
  const float bound = 1.0f / std::sqrt(static_cast<float>(weight_v_.shape()[1]));
  draw_uniform(weight_v_.value(), bound, seed, path + ".weight_v");
  if (weight_g_.defined()) weight_g_.value().fill(1);
}

}  // namespace minissl
