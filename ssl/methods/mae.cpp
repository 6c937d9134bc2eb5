#include "ssl/methods/mae.h"

#include "autograd/functions.h"
#include "nn/patches.h"
#include "ssl/parts/mask_tensors.h"
#include "ssl/parts/option_ranges.h"
#include "tensor/ops/cast.h"
#include "tensor/ops/random_mask.h"

namespace minissl {
namespace {

std::unique_ptr<VisionTransformer> make_encoder(const BackboneConfig& config) {
  const VisionTransformerConfig* given = as_transformer(config);
  require(given != nullptr, "mae needs a Vision Transformer: an `arch` of vit_tiny, vit_small or vit_base");
  VisionTransformerConfig transformer = *given;
  transformer.positions = Positions::sine;
  transformer.init = LinearInit::xavier;
  auto encoder = transformer.make_transformer();
  require(encoder->options().drop_path == 0, "`drop-path` {} can't be used with mae, which draws no numbers for it",
          encoder->options().drop_path);
  return encoder;
}

Variable in_f32(const Variable& x) { return cast(x, master_type(x.value().dtype())); }

}  // namespace

void MAEOptions::visit(OptionVisitor& visitor) {
  visitor.visit_number("mask-ratio", mask_ratio, {0, 0.999},
                       "share of the patches that are hidden (0: none, and the loss is over all patches)");
  visitor.visit_number("decoder-dim", decoder.dim, width_range, "width of the decoder");
  visitor.visit_number("decoder-depth", decoder.depth, {0, 1000}, "number of the decoder's blocks");
  visitor.visit_number("decoder-heads", decoder.heads, width_range, "number of the decoder's heads");
  visitor.visit("raw-pixels", raw_pixels, "on: predict pixels as they are, not normalised over each patch");
}

MAE::MAE(const MAEOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype)
    : options_(checked(options)),
      backbone_(make_encoder(backbone)),
      decoder_(options.decoder, backbone_->features(), backbone_->grid(),
               backbone_->options().patch * backbone_->options().patch * backbone_->options().channels) {
  require(kept() > 0, "`mask-ratio` {} leaves none of {} patches visible", options.mask_ratio, patches());
  add_child("backbone", *backbone_);
  add_child("decoder", decoder_);
  to(dtype);
  initialize(seed);
  online_ = std::make_unique<ParameterArena>(*this);
}

int64_t MAE::kept() const { return static_cast<int64_t>(static_cast<double>(patches()) * (1 - options_.mask_ratio)); }

ParameterRule MAE::rule(const std::string& name, const Shape& shape) const {
  return {.decay = shape.rank() > 1 && !name.ends_with(".bias") ? 1.0 : 0.0};
}

DrawnTensors MAE::draw(const BatchDraw& from) const {
  const Tensor noise = Tensor::empty({from.images, patches()});
  const Random random = from.random(0);
  for (int64_t i = 0; noise.storage()->real() && i < noise.numel(); ++i)
    noise.mutable_data<float>()[i] = random.uniform(static_cast<uint32_t>(i));
  return {{"noise", noise}};
}

Variable MAE::loss(const Batch& batch, StepLog& log) {
  const Tensor& images = batch.views[0];
  const ops::RandomMask mask = ops::random_mask(batch.find("noise").to(images.device()), kept());
  const Variable visible = backbone_->tokens(images, mask.kept);  // (N, 1 + K, D)
  const Variable latent = backbone_->encode(visible);             // (N, 1 + K, D)
  const Variable pred = decoder_.forward(latent, mask.places);    // (N, L, P)
  const auto target = [&](const Tensor& cells) {
    const Tensor pixels = patches_of(images, cells, backbone_->grid());
    return options_.raw_pixels ? ops::cast(pixels, master_type(pixels.dtype())) : normalized_patches(pixels);
  };
  const Tensor all = all_cells(images.dim(0), backbone_->grid(), images.device());
  const Tensor& hidden = mask.hidden.numel() > 0 ? mask.hidden : all;
  Variable loss = mean(square(gather_rows(pred, hidden, Repeats::none) - target(hidden)));

  const auto inspect = [&](const char* name, auto&& compute) {
    log.tensor_to_inspect(name, loss.value(), [&] { return compute(); });
  };
  inspect("order", [&] { return order_of(mask.noise); });
  inspect("restore", [&] { return restore_of(mask.noise); });
  inspect("mask", [&] { return hidden_of(mask.noise, mask.kept.dim(1), loss.value().dtype()); });
  inspect("target", [&] { return target(all); });
  inspect("loss/patches", [&] { return errors_of_patches(pred.value(), target(all)); });
  log.tensor("visible", detach(in_f32(visible)));
  log.tensor("latent", detach(in_f32(latent)));
  log.tensor("pred", pred);
  return loss;
}

Reconstruction MAE::reconstruct(const Batch& batch) {
  const EvaluationScope evaluation(*this);
  const Tensor &images = batch.views[0], noise = batch.find("noise").to(images.device());
  const ops::RandomMask mask = ops::random_mask(noise, kept());
  const Variable latent = backbone_->encode(backbone_->tokens(images, mask.kept));
  return reconstruction(images, hidden_of(noise, kept(), DType::f32), decoder_.forward(latent, mask.places).value(),
                        backbone_->grid(), !options_.raw_pixels);
}

std::vector<Space> MAE::embed(const Tensor& images) {
  const EvaluationScope evaluation(*this);
  return {{"backbone", backbone_->forward(images.to(device())).value()}};
}

}  // namespace minissl
