#include "ssl/parts/tokenizer.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "formats/safetensors.h"
#include "nn/parameters.h"
#include "tensor/ops/argmax.h"

namespace minissl {

TokenizerOptions TokenizerOptions::in_file(const SafetensorsReader& file, const std::string& prefix) {
  const auto shape = [&](const std::string& name, int rank) {
    require(file.contains(prefix + name) && file.find(prefix + name).shape.rank() == rank,
            "{}: it holds no tokenizer, as `minissl train dvae` writes it: it has no {}", file.path().string(),
            prefix + name);
    return file.find(prefix + name).shape;
  };
  const Shape codebook = shape("codebook.weight", 2), first = shape("encoder.0.0.weight", 4);
  int64_t layers = 1;
  while (file.contains(fmt::format("{}encoder.{}.0.weight", prefix, 2 * layers))) ++layers;
  return {.encoder = {.channels = first[1], .hidden = first[0], .layers = layers},
          .vocabulary = codebook[0],
          .codebook_dim = codebook[1]};
}

Tokenizer::Tokenizer(const TokenizerOptions& options)
    : Tokenizer(std::make_unique<TokenEncoder>(options.encoder), options.vocabulary, options.codebook_dim) {}

Tokenizer::Tokenizer(std::unique_ptr<TokenEncoder> encoder, int64_t vocabulary, int64_t codebook_dim)
    : encoder_(std::move(encoder)),
      to_logits_(encoder_->features(), vocabulary, 1, 1, 0, token_convolution),
      to_pixels_(encoder_->features(), encoder_->options().channels, 1, 1, 0, token_convolution),
      codebook_(parameter({vocabulary, codebook_dim})) {
  const int64_t hidden = encoder_->features(), layers = encoder_->options().layers;
  for (int64_t i = 0; i < layers; ++i) {
    auto layer = std::make_unique<Layer>();
    layer->up =
        std::make_unique<ConvTranspose2d>(i == 0 ? codebook_dim : hidden, hidden, 4, 2, 1, ConvolutionDraw::uniform);
    layer->residual = std::make_unique<ResidualConvolutions>(hidden);
    layer->stage.add_child("0", *layer->up);
    decoder_.add_child(std::to_string(2 * i), layer->stage);
    decoder_.add_child(std::to_string(2 * i + 1), *layer->residual);
    layers_.push_back(std::move(layer));
  }
  encoder_names_.add_child("", *encoder_);
  encoder_names_.add_child(std::to_string(2 * layers), to_logits_);
  decoder_.add_child(std::to_string(2 * layers), to_pixels_);
  add_child("encoder", encoder_names_);
  add_parameter("codebook.weight", codebook_);
  add_child("decoder", decoder_);
}

void Tokenizer::initialize_own(uint64_t seed, const std::string& path) {
  draw_normal(codebook_.value(), 1, seed, path + ".codebook.weight");
}

Variable Tokenizer::logits(const Variable& images) {
  const Variable map = to_logits_.forward(encoder_->maps(images)[0]);
  return cast(map, master_type(map.value().dtype()));
}

// A few images at a time: the logits of thousands of tokens would take far more memory than all else.
Tensor Tokenizer::tokens(const Tensor& images) {
  constexpr int64_t most_logits = int64_t{1} << 24;
  const NoGradScope no_grad;
  const int64_t count = images.dim(0), cell = encoder_->cell();
  const int64_t places = images.dim(1) / cell * (images.dim(2) / cell);
  const int64_t step = std::max<int64_t>(1, most_logits / (places * vocabulary()));
  Tensor tokens = Tensor::empty({count, places}, DType::i64, images.device());
  for (int64_t begin = 0; begin < count; begin += step) {
    const int64_t end = std::min(count, begin + step);
    const Tensor rows = logits(images.rows(begin, end)).value().view({(end - begin) * places, vocabulary()});
    tokens.rows(begin, end).copy_from(ops::argmax(rows).view({end - begin, places}));
  }
  return tokens;
}

Variable Tokenizer::paint(const Variable& vectors, int64_t images, DType type) {
  const int64_t places = vectors.shape()[0] / images;
  const auto side = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(places))));
  Variable x = view(cast(vectors, type), {images, side, side, vectors.shape()[1]});
  for (const auto& layer : layers_) x = layer->residual->forward(relu(layer->up->forward(x)));
  return to_pixels_.forward(x);
}

Variable Tokenizer::decode(const Variable& code, int64_t images, DType type) {
  return paint(matmul(code, codebook_), images, type);
}

Tensor Tokenizer::decode_tokens(const Tensor& tokens, DType type) {
  const NoGradScope no_grad;
  return paint(gather_rows(codebook_, tokens.view({tokens.numel()})), tokens.dim(0), type).value();
}

}  // namespace minissl
