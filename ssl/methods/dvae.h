#pragma once
#include <memory>

#include "ssl/methods/painting_method.h"
#include "ssl/parts/tokenizer.h"

namespace minissl {

struct DVAEOptions {
  int64_t vocab = TokenizerOptions{}.vocabulary;
  int64_t codebook_dim = TokenizerOptions{}.codebook_dim;
  double temperature = 1;
  bool straight_through = false;
  double kl = 0;  ///< weight of the divergence from the uniform distribution

  void visit(OptionVisitor& visitor);
};

/// A discrete VAE (Ramesh et al. 2021, section 2.1), whose tokens BEiT predicts: an image becomes a grid of tokens,
/// drawn from a relaxed categorical distribution (Jang et al. 2017), from which a decoder paints it. Its backbone is
/// the tokenizer's encoder, and no other.
class DVAE : public PaintingMethod {
 public:
  using Options = DVAEOptions;
  /// Throws Error for a backbone other than a TokenEncoder.
  DVAE(const DVAEOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype = DType::f32);

  /// One view. Throws Error for a size that is no multiple of the tokens' cells.
  std::vector<ViewGroup> views(const Augmentation& augmentation, int64_t size) const override;
  /// "gumbel_key", from which the device draws the noise of the logits; instead, a batch may have the noise itself,
  /// "gumbel" (N, V, h, w).
  DrawnTensors draw(const BatchDraw& from) const override;
  Variable loss(const Batch& batch, StepLog& log) override;
  ParameterArena& online() override { return *online_; }
  std::vector<Space> embed(const Tensor& images) override;
  Backbone& backbone() override { return tokenizer_.encoder(); }
  /// "tokenizer", for BEiT.
  std::vector<KeptPart> kept_parts() override { return {{"tokenizer", &tokenizer_}}; }
  /// From the most likely tokens.
  Reconstruction reconstruct(const Batch& batch) override;

 private:
  DVAEOptions options_;
  Tokenizer tokenizer_;
  std::unique_ptr<ParameterArena> online_;
};

}  // namespace minissl
