#include "nn/backbones/token_encoder.h"

#include <fmt/format.h>

#include "autograd/recompute.h"

namespace minissl {
ResidualConvolutions::ResidualConvolutions(int64_t width)
    : first_(width, width, 3, 1, 1, token_convolution),
      second_(width, width, 3, 1, 1, token_convolution),
      last_(width, width, 1, 1, 0, token_convolution) {
  net_.add_child("0", first_);
  net_.add_child("2", second_);
  net_.add_child("4", last_);
  add_child("net", net_);
}

Variable ResidualConvolutions::forward(const Variable& x) const {
  return x + last_.forward(relu(second_.forward(relu(first_.forward(x)))));
}

TokenEncoder::TokenEncoder(const TokenEncoderOptions& options) : options_(options) {
  require(options.layers > 0 && options.hidden > 0, "`token-layers` and `token-hidden` must be at least 1");
  for (int64_t i = 0; i < options.layers; ++i) {
    auto layer = std::make_unique<Layer>();
    layer->down = std::make_unique<Conv2d>(i == 0 ? options.channels : options.hidden, options.hidden, 4, 2, 1,
                                           token_convolution);
    layer->residual = std::make_unique<ResidualConvolutions>(options.hidden);
    layer->stage.add_child("0", *layer->down);
    add_child(std::to_string(2 * i), layer->stage);
    add_child(std::to_string(2 * i + 1), *layer->residual);
    layers_.push_back(std::move(layer));
  }
}

std::vector<Variable> TokenEncoder::maps(const Variable& images, const Tensor& kept) {
  require(!kept.defined(), "a token encoder can't hide parts of an image");
  const Shape& shape = images.shape();
  require(shape.rank() == 4 && shape[1] % cell() == 0 && shape[2] % cell() == 0 && shape[3] == options_.channels,
          "images {} do not fall into cells of {} pixels, 2^`token-layers`, with {} channels", images.value(), cell(),
          options_.channels);
  Variable x = images;
  for (size_t i = 0; i < layers_.size(); ++i) {
    PartScope part(fmt::format("encoder.{}", i), true);
    x = part.output(layers_[i]->residual->forward(relu(layers_[i]->down->forward(x))));
  }
  return {x};
}

Variable TokenEncoder::forward(const Variable& images) { return global_average_pool(maps(images)[0]); }

void TokenEncoderConfig::visit(OptionVisitor& visitor) {
  visitor.visit_number("token-hidden", hidden_, {1, 1 << 16}, "channels of the tokenizer's layers");
  visitor.visit_number("token-layers", layers_, {1, 10}, "its layers, each of which halves the image");
}

std::unique_ptr<TokenEncoder> TokenEncoderConfig::make_encoder() const {
  checked(*this);
  return std::make_unique<TokenEncoder>(TokenEncoderOptions{channels, hidden_, layers_});
}

}  // namespace minissl
