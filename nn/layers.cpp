#include "nn/layers.h"

#include <cmath>

#include "tensor/dry_run.h"
#include "tensor/ops/batch_norm.h"
#include "tensor/random.h"

namespace minissl {
namespace {

constexpr double running_momentum = 0.1;

Variable parameter(const Shape& shape) {
  const TagScope tag(MemoryTag::parameter);
  return Variable::leaf(Tensor::zeros(shape, DType::f32, DeviceScope::current()));
}

Tensor buffer(const Shape& shape, double value, DType dtype = DType::f32) {
  const TagScope tag(MemoryTag::parameter);
  return Tensor::full(shape, value, dtype, DeviceScope::current());
}

Random random_for(uint64_t seed, const std::string& name) {
  return {seed, RandomSite::initialization, 0, hash_name(name)};
}

// Sets every element to draw(index), for any floating type. A dry run needs no values.
template <class F>
void fill_with(const Tensor& t, F&& draw) {
  if (DryRun::active()) return;
  const Tensor drawn = t.storage()->on_host() ? t : Tensor::empty(t.shape(), t.dtype());
  visit_arithmetic(t.dtype(), [&](auto type) {
    using T = decltype(type);
    T* values = drawn.mutable_data<T>();
    for (int64_t i = 0; i < t.numel(); ++i) values[i] = static_cast<T>(draw(static_cast<uint32_t>(i)));
  });
  if (!t.storage()->on_host()) t.copy_from(drawn);
}

// A weight for inputs of another type: one copy, shared by all uses.
Variable as_type(const Variable& weight, ConvertedCopy& copy, DType type) {
  return weight.value().dtype() == type ? weight : cast(weight, copy.of(weight.value(), type));
}

}  // namespace

Conv2d::Conv2d(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding)
    : weight_(parameter({out, kernel, kernel, in})), geometry_{stride, padding} {
  add_parameter("weight", weight_, FileLayout::oihw, &converted_);
}

Variable Conv2d::forward(const Variable& x) const {
  return convolution(x, as_type(weight_, *converted_, x.value().dtype()), geometry_);
}

void Conv2d::initialize_own(uint64_t seed, const std::string& path) {
  const Random random = random_for(seed, path + ".weight");
  const Shape& w = weight_.shape();
  const float std = std::sqrt(2.0f / static_cast<float>(w[0] * w[1] * w[2]));
  fill_with(weight_.value(), [&](uint32_t i) { return std * random.normal(i); });
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

Variable BatchNorm::forward(const Variable& x, const Fused& fused) {
  const bool affine = weight_.defined();
  const Variable weight =
      affine ? weight_
             : Variable(Tensor::full(running_mean_.shape(), 1, running_mean_.dtype(), running_mean_.device()));
  const Variable bias = affine ? bias_ : Variable(Tensor::zeros_like(running_mean_));
  const BatchNormOptions options{
      .residual = fused.residual, .relu = fused.relu, .groups = groups_, .positions = fused.positions};
  if (!training()) return batch_norm_inference(x, weight.value(), bias.value(), running_mean_, running_var_, options);
  BatchNormResult result = batch_norm(x, weight, bias, options);
  side_effect([&] { track(result.mean, result.variance, result.count); });
  return result.y;
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

Linear::Linear(int64_t in, int64_t out, const LinearOptions& options) : weight_(parameter({out, in})) {
  add_parameter("weight", weight_, FileLayout::same, options.converted ? &converted_ : nullptr);
  if (options.bias) {
    bias_ = parameter({out});
    add_parameter("bias", bias_);
  }
}

Variable Linear::forward(const Variable& x) const {
  return linear(x, as_type(weight_, *converted_, x.value().dtype()), bias_);
}

void Linear::initialize_own(uint64_t seed, const std::string& path) {
  const float bound = 1.0f / std::sqrt(static_cast<float>(weight_.shape()[1]));
  const auto draw = [&](const Variable& v, const char* name) {
    const Random random = random_for(seed, path + name);
    fill_with(v.value(), [&](uint32_t i) { return random.uniform(i, -bound, bound); });
  };
  draw(weight_, ".weight");
  if (bias_.defined()) draw(bias_, ".bias");
}

}  // namespace minissl
