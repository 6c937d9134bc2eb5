#pragma once
#include <memory>
#include <vector>

#include "nn/backbone.h"
#include "nn/layers.h"

namespace minissl {

/// The convolutions of a tokenizer, drawn as PyTorch draws them.
inline constexpr Conv2dOptions token_convolution{.bias = true, .draw = ConvolutionDraw::uniform};

/// x + net(x), net: 3x3 convolution, ReLU, 3x3 convolution, ReLU, 1x1 convolution, all of the same width.
class ResidualConvolutions : public Module {
 public:
  explicit ResidualConvolutions(int64_t width);
  Variable forward(const Variable& x) const;

 private:
  Module net_;
  Conv2d first_, second_, last_;
};

struct TokenEncoderOptions {
  int64_t channels = 3;  ///< of the images
  int64_t hidden = 64;   ///< channels of every layer
  int64_t layers = 3;    ///< each halves the image
};

/// The encoder of a small discrete VAE (ssl/parts/tokenizer.h): so many times a 4x4 convolution of stride 2, ReLU and
/// ResidualConvolutions. Its features are the means of its map.
class TokenEncoder final : public Backbone {
 public:
  explicit TokenEncoder(const TokenEncoderOptions& options);

  int64_t features() const override { return options_.hidden; }
  Variable forward(const Variable& images) override;
  /// One map, (N, S / cell, S / cell, hidden). Throws Error unless the cells divide the images, or if some are hidden.
  std::vector<Variable> maps(const Variable& images, const Tensor& kept = {}) override;
  std::vector<int64_t> map_channels() const override { return {options_.hidden}; }

  /// The side, in pixels, of what becomes one element of the map: 2^layers.
  int64_t cell() const { return int64_t{1} << options_.layers; }
  const TokenEncoderOptions& options() const { return options_; }

 private:
  struct Layer {
    Module stage;
    std::unique_ptr<Conv2d> down;
    std::unique_ptr<ResidualConvolutions> residual;
  };

  TokenEncoderOptions options_;
  std::vector<std::unique_ptr<Layer>> layers_;
};

/// TokenEncoderOptions as command-line options.
class TokenEncoderConfig final : public BackboneConfig {
 public:
  void visit(OptionVisitor& visitor) override;
  std::unique_ptr<Backbone> make() const override { return make_encoder(); }
  std::unique_ptr<TokenEncoder> make_encoder() const;
  std::unique_ptr<BackboneConfig> clone() const override { return std::make_unique<TokenEncoderConfig>(*this); }

 private:
  int64_t hidden_ = TokenEncoderOptions{}.hidden, layers_ = TokenEncoderOptions{}.layers;
};

}  // namespace minissl
