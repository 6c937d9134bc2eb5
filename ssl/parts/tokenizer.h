#pragma once
#include <memory>
#include <string>
#include <vector>

#include "nn/backbones/token_encoder.h"

namespace minissl {

class SafetensorsReader;

struct TokenizerOptions {
  TokenEncoderOptions encoder = {};
  int64_t vocabulary = 8192;  ///< V, the number of different tokens
  int64_t codebook_dim = 512;

  /// Those of the tokenizer in a file, in which its names begin with `prefix`. Throws Error if there is none.
  static TokenizerOptions in_file(const SafetensorsReader& file, const std::string& prefix);
};

/// Images as a grid of discrete tokens, and back: the tokenizer of a discrete VAE (Ramesh et al. 2021, "Zero-shot
/// text-to-image generation", section 2.1), small. An encoder and a 1x1 convolution to the logits of V tokens, a
/// codebook of V vectors, and a decoder that mirrors the encoder.
class Tokenizer : public Module {
 public:
  explicit Tokenizer(const TokenizerOptions& options);
  Tokenizer(std::unique_ptr<TokenEncoder> encoder, int64_t vocabulary, int64_t codebook_dim);

  /// Images (N, S, S, C) to the logits of their tokens, (N, h, w, V), h = w = S / cell, in f32 for images in bf16.
  Variable logits(const Variable& images);
  /// The most likely tokens, i64 (N, h w), row by row; the lowest of several. Records nothing.
  Tensor tokens(const Tensor& images);
  /// Images (N, S, S, C) of a mixture of the vocabulary's vectors for each place, code (N h w, V).
  Variable decode(const Variable& code, int64_t images, DType type);
  /// The same of tokens i64 (N, h w). Records nothing.
  Tensor decode_tokens(const Tensor& tokens, DType type);

  int64_t vocabulary() const { return codebook_.shape()[0]; }
  TokenEncoder& encoder() { return *encoder_; }
  const TokenEncoder& encoder() const { return *encoder_; }

 private:
  struct Layer {
    Module stage;
    std::unique_ptr<ConvTranspose2d> up;
    std::unique_ptr<ResidualConvolutions> residual;
  };
  void initialize_own(uint64_t seed, const std::string& path) override;
  /// Images of the codebook's vectors (N h w, codebook dim).
  Variable paint(const Variable& vectors, int64_t images, DType type);

  std::unique_ptr<TokenEncoder> encoder_;
  Conv2d to_logits_, to_pixels_;
  Variable codebook_;  // (V, codebook dim)
  Module encoder_names_, codebook_names_, decoder_;
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace minissl
