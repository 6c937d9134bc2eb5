#include "ssl/methods/dvae.h"

#include <bit>
#include <cmath>

#include "autograd/functions.h"
#include "ssl/parts/option_ranges.h"
#include "tensor/ops/gumbel.h"
#include "tensor/ops/perplexity.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/transpose.h"

namespace minissl {
namespace {

std::unique_ptr<TokenEncoder> make_encoder(const BackboneConfig& config) {
  const auto* encoder = dynamic_cast<const TokenEncoderConfig*>(&config);
  require(encoder != nullptr, "dvae trains an encoder of its own, `arch` token_encoder: leave `arch` out");
  return encoder->make_encoder();
}

// The Gumbel noise of logits (N, h, w, V), in their shape.
Tensor noise_of(const Batch& batch, const Variable& logits) {
  const Tensor& like = logits.value();
  if (const Tensor given = batch.find("gumbel"); given.defined()) {
    const Shape& s = like.shape();
    require(given.shape() == Shape{s[0], s[3], s[1], s[2]}, "dvae: gumbel noise {} doesn't fit logits {}", given, like);
    return ops::nchw_to_nhwc(given.to(like.device()).to(like.dtype()));
  }
  return ops::gumbel_noise(batch.find("gumbel_key").to(like.device()), like.shape(), like.dtype());
}

}  // namespace

void DVAEOptions::visit(OptionVisitor& visitor) {
  visitor.visit_number("vocab", vocab, {2, 1 << 20}, "the number of different tokens");
  visitor.visit_number("codebook-dim", codebook_dim, width_range, "elements of a token's vector in the codebook");
  visitor.visit_number("temperature", temperature, Range::above(0, 1e3), "temperature of the relaxed tokens");
  visitor.visit("straight-through", straight_through, "on: the decoder sees one token for each place, not a mixture");
  visitor.visit_number("kl", kl, Range::at_least(0),
                       "weight of the divergence of the tokens' distribution from the uniform one");
}

DVAE::DVAE(const DVAEOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype)
    : options_(checked(options)), tokenizer_(make_encoder(backbone), options.vocab, options.codebook_dim) {
  add_child("tokenizer", tokenizer_);
  to(dtype);
  initialize(seed);
  online_ = std::make_unique<ParameterArena>(*this);
}

std::vector<ViewGroup> DVAE::views(const Augmentation& augmentation, int64_t size) const {
  const int64_t cell = tokenizer_.encoder().cell();
  require(size % cell == 0, "`size` {} is not a multiple of {}, the side of a token with these `token-layers`", size,
          cell);
  return {{.count = 1, .size = size, .augmentation = augmentation}};
}

DrawnTensors DVAE::draw(const BatchDraw& from) const {
  const auto bits = from.random(0).bits(0);
  return {{"gumbel_key",
           Tensor::from({1}, std::vector<int64_t>{std::bit_cast<int64_t>(uint64_t{bits[0]} << 32 | bits[1])})}};
}

Variable DVAE::loss(const Batch& batch, StepLog& log) {
  const Tensor& images = batch.views[0];
  const int64_t vocabulary = tokenizer_.vocabulary();
  const Variable logits = tokenizer_.logits(images);  // (N, h, w, V)
  const Shape by_place{logits.value().numel() / vocabulary, vocabulary};
  const Variable rows = view(logits, by_place);

  const Variable soft = softmax(rows, 1 / options_.temperature, noise_of(batch, logits).view(by_place));
  const Variable code = options_.straight_through ? straight_through(soft) : soft;
  const Variable output = tokenizer_.decode(code, images.dim(0), images.dtype());  // (N, S, S, C)

  const DType type = master_type(images.dtype());
  const Variable reconstruction = mean(square(cast(output, type) - cast(Variable(images), type)));
  // KL(q || uniform), q = softmax(logits) without noise and temperature: log V less q's entropy.
  const Variable kl = std::log(static_cast<double>(vocabulary)) - mean(softmax_entropy(rows));

  const auto as_file = [&](const char* name, const Tensor& map) {
    log.tensor_to_inspect(name, map, [&] { return ops::nhwc_to_nchw(map.view(logits.shape())); });
  };
  as_file("logits", logits.value());
  as_file("code", code.value());
  log.tensor_to_inspect("output", reconstruction.value(),
                        [&] { return ops::nhwc_to_nchw(cast(output, type).value()); });
  log.term("reconstruction", reconstruction);
  log.term("kl", kl);
  // The number of tokens in use: 1 if the codebook has collapsed to one vector.
  log.term("perplexity", ops::perplexity(ops::column_sum(code.value())));
  return options_.kl > 0 ? reconstruction + options_.kl * kl : reconstruction;
}

Reconstruction DVAE::reconstruct(const Batch& batch) {
  const EvaluationScope evaluation(*this);
  const Tensor& images = batch.views[0];
  const auto on_host = [](const Tensor& t) { return t.to(Device{}).to(DType::f32); };
  const Tensor painted = tokenizer_.decode_tokens(tokenizer_.tokens(images), images.dtype());
  return {on_host(images), {}, on_host(painted)};
}

std::vector<Space> DVAE::embed(const Tensor& images) {
  const EvaluationScope evaluation(*this);
  return {{"backbone", tokenizer_.encoder().forward(images.to(device())).value()}};
}

}  // namespace minissl
