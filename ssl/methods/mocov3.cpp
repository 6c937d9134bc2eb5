#include "ssl/methods/mocov3.h"

#include "autograd/functions.h"
#include "nn/backbones/vision_transformer.h"
#include "ssl/parts/losses.h"
#include "ssl/parts/option_ranges.h"

namespace minissl {
namespace {

std::unique_ptr<Backbone> make_backbone(const BackboneConfig& config, bool stop_grad_patch) {
  const VisionTransformerConfig* given = as_transformer(config);
  if (given == nullptr) return config.make();
  VisionTransformerConfig transformer = *given;
  transformer.positions = Positions::sine_rows_first;
  transformer.init = LinearInit::xavier;
  transformer.qkv_parts = 3;
  transformer.fixed_patches = stop_grad_patch;
  return transformer.make();
}

// The authors' projectors have two layers after a ResNet and three after a Vision Transformer.
std::vector<int64_t> projector_widths(const MoCoV3Options& options, bool transformer) {
  if (transformer) return {options.hidden, options.hidden, options.dim};
  return {options.hidden, options.dim};
}

}  // namespace

void MoCoV3Options::visit(OptionVisitor& visitor) {
  visitor.visit_number("dim", dim, width_range, "width of the projections");
  visitor.visit_number("hidden", hidden, width_range, "width of the projector's and predictor's hidden layers");
  visitor.visit_number("temperature", temperature, temperature_range, "temperature of the softmax");
  momentum.visit(visitor);
  visitor.visit("stop-grad-patch", stop_grad_patch,
                "on: a Vision Transformer's patch embedding keeps its random weights");
  VarianceTerm::visit(visitor, variance_weight);
}

MoCoV3::Encoder::Encoder(std::unique_ptr<Backbone> network, const std::vector<int64_t>& widths)
    : backbone(std::move(network)), projector(after(backbone->features(), widths), Mlp::Last::batch_norm) {
  add_child("backbone", *backbone);
  add_child("projector", projector);
}

MoCoV3::MoCoV3(const MoCoV3Options& options, const BackboneConfig& backbone, uint64_t seed, DType dtype)
    : MoCoV3(checked(options), backbone, as_transformer(backbone) != nullptr) {
  to(dtype);
  trained_.initialize(seed);
  following_.initialize(seed);
  online_ = std::make_unique<ParameterArena>(trained_);
  target_ = std::make_unique<ParameterArena>(following_, ParameterArena::Gradients::none);
  // The predictor comes last in the online arena, so the momentum encoder follows the arena's beginning.
  target_->values().copy_from(online_->values().slice(0, target_->values().shape()));
}

MoCoV3::MoCoV3(const MoCoV3Options& options, const BackboneConfig& backbone, bool transformer)
    : ProjectionMethod(options.variance_weight),
      options_(options),
      base_(make_backbone(backbone, options.stop_grad_patch), projector_widths(options, transformer)),
      momentum_encoder_(make_backbone(backbone, options.stop_grad_patch), projector_widths(options, transformer)),
      predictor_({options.dim, options.hidden, options.dim}, transformer ? Mlp::Last::batch_norm : Mlp::Last::linear),
      momentum_(options.momentum, DeviceScope::current()) {
  trained_.add_child("base_encoder", base_);
  trained_.add_child("predictor", predictor_);
  following_.add_child("momentum_encoder", momentum_encoder_);
  add_child("", trained_);
  add_child("", following_);
}

ParameterRule MoCoV3::rule(const std::string& name, const Shape& /*shape*/) const {
  return {.frozen = options_.stop_grad_patch && name.starts_with("base_encoder.backbone.patch_embed.")};
}

// k = m k + (1 - m) q for the parameters of the encoder; statistics are its own.
void MoCoV3::before_batches() { momentum_.update(*target_, online_->values().slice(0, target_->values().shape())); }

Variable MoCoV3::loss(const Batch& batch, StepLog& log) {
  // Keys first, while the graph takes no memory yet.
  const auto key = [&](const Tensor& images) {
    return no_grad([&] { return momentum_encoder_.projector.finish(momentum_encoder_.raw(images)).value(); });
  };
  const Tensor k1 = key(batch.views[0]), k2 = key(batch.views[1]);                    // (N, dim)
  const Variable raw1 = base_.raw(batch.views[0]), raw2 = base_.raw(batch.views[1]);  // (N, dim)
  const Variable q1 = predictor_.forward(base_.projector.finish(raw1));               // (N, dim)
  const Variable q2 = predictor_.forward(base_.projector.finish(raw2));               // (N, dim)
  const Variable loss =
      in_batch_contrast(q1, k2, options_.temperature) + in_batch_contrast(q2, k1, options_.temperature);

  log.tensor("q1", q1);
  log.tensor("q2", q2);
  log.tensor("k1", k1);
  log.tensor("k2", k2);
  // After the projector's batch normalisation every dimension has std 1, collapsed or not.
  return with_variance(loss, {raw1, raw2}, log);
}

std::vector<Space> MoCoV3::embed(const Tensor& images) {
  const EvaluationScope evaluation(*this);
  const Variable features = base_.backbone->forward(images.to(device()));
  return {{"backbone", features.value()}, {"projection", base_.projector.forward(features).value()}};
}

}  // namespace minissl
