#pragma once
#include <memory>

#include "nn/backbones/vision_transformer.h"
#include "ssl/methods/painting_method.h"
#include "ssl/parts/mae_decoder.h"

namespace minissl {

struct MAEOptions {
  double mask_ratio = 0.75;
  MAEDecoderOptions decoder = {};
  bool raw_pixels = false;  ///< predict pixels as they are, not normalised over each patch

  void visit(OptionVisitor& visitor);
};

/// MAE (He et al. 2021): a Vision Transformer encodes the visible patches of an image alone, and a small decoder
/// predicts the pixels of the others. Memory and time fall with the mask ratio.
class MAE : public PaintingMethod {
 public:
  using Options = MAEOptions;
  /// Throws Error for a backbone that is no Vision Transformer.
  MAE(const MAEOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype = DType::f32);

  std::vector<ViewGroup> views(const Augmentation& augmentation, int64_t size) const override {
    return {{.count = 1, .size = size, .augmentation = augmentation}};
  }
  DrawnTensors draw(const BatchDraw& from) const override;
  Variable loss(const Batch& batch, StepLog& log) override;
  ParameterArena& online() override { return *online_; }
  ParameterRule rule(const std::string& name, const Shape& shape) const override;
  std::vector<Space> embed(const Tensor& images) override;
  Backbone& backbone() override { return *backbone_; }
  Reconstruction reconstruct(const Batch& batch) override;

 private:
  int64_t patches() const { return backbone_->grid() * backbone_->grid(); }
  /// The number of patches that stay visible.
  int64_t kept() const;

  MAEOptions options_;
  std::unique_ptr<VisionTransformer> backbone_;
  MAEDecoder decoder_;
  std::unique_ptr<ParameterArena> online_;
};

}  // namespace minissl
