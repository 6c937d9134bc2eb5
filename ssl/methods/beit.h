#pragma once
#include <memory>
#include <string>

#include "nn/backbones/vision_transformer.h"
#include "ssl/methods/painting_method.h"
#include "ssl/parts/tokenizer.h"

namespace minissl {

struct BEiTOptions {
  std::string tokenizer;   ///< the file of one that was trained before
  int64_t masked = 0;      ///< patches to hide of each image; 0: 75 of 196
  int64_t mask_least = 0;  ///< the smallest area of a block, in patches; 0: 16 of 196
  int64_t token_size = 0;  ///< side of the tokenizer's images; 0: so that each patch has one token
  std::string positions = "relative";
  double layer_scale = 0.1;
  /// The tokenizer's sizes; 0: as in its file or, without one, those of dvae's defaults.
  int64_t vocab = 0, codebook_dim = 0, token_hidden = 0, token_layers = 0;

  void visit(OptionVisitor& visitor);
  /// Takes the tokenizer's sizes from its file, if there is one and they aren't known. Throws Error if it contradicts
  /// those that are.
  void resolve();
};

/// BEiT (Bao et al. 2022): a Vision Transformer sees an image whose patches are hidden in blocks behind a mask token,
/// and predicts their visual tokens, which a discrete VAE that was trained before (dvae) sees in the same picture.
class BEiT : public PaintingMethod {
 public:
  using Options = BEiTOptions;
  /// The tokenizer has random weights, until given_weights() are loaded. Throws Error for a backbone that is no Vision
  /// Transformer, and for a tokenizer whose tokens are not one for each patch.
  BEiT(const BEiTOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype = DType::f32);

  /// "view1", and "token_view", the same picture at the tokenizer's size.
  std::vector<ViewGroup> views(const Augmentation& augmentation, int64_t size) const override;
  /// "mask", u8 (N, L), 1 for hidden patches; with stochastic depth "drop" (depth, 2, N).
  DrawnTensors draw(const BatchDraw& from) const override;
  Variable loss(const Batch& batch, StepLog& log) override;
  ParameterArena& online() override { return *online_; }
  /// Biases, vectors, the class token and learned positions are not decayed.
  ParameterRule rule(const std::string& name, const Shape& shape) const override;
  std::vector<Space> embed(const Tensor& images) override;
  Backbone& backbone() override { return *trained_.backbone; }
  std::optional<GivenWeights> given_weights() override;
  /// At the tokenizer's size: hidden patches as its decoder paints the tokens that are predicted for them.
  Reconstruction reconstruct(const Batch& batch) override;

 private:
  struct Trained : Module {
    Trained(std::unique_ptr<VisionTransformer> transformer, int64_t vocabulary);
    void initialize_own(uint64_t seed, const std::string& path) override;
    std::unique_ptr<VisionTransformer> backbone;
    Variable mask_token;  // (1, 1, width)
    Linear lm_head;
  };

  int64_t grid() const { return trained_.backbone->grid(); }
  int64_t masked() const;
  int64_t mask_least() const;
  /// The encoder's output (N, 1 + L, width), with the mask token in place of patches
  /// (VisionTransformer::masked_tokens).
  Variable encode(const Tensor& images, const Tensor& places, const PathNumbers& drop = {}) const;

  BEiTOptions options_;
  Trained trained_;
  Tokenizer tokenizer_;
  std::unique_ptr<ParameterArena> online_, fixed_;
};

}  // namespace minissl
