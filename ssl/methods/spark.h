#pragma once
#include "ssl/methods/painting_method.h"
#include "ssl/parts/densifier.h"
#include "ssl/parts/light_decoder.h"

namespace minissl {

struct SparKOptions {
  double mask_ratio = 0.6;    ///< of the cells, hidden
  int64_t decoder_dim = 768;  ///< width of the decoder's first block, at least the backbone's cell size

  void visit(OptionVisitor& visitor);
};

/// SparK (Tian et al. 2023, "Designing BERT for convolutional networks"): a convolutional network sees random cells of
/// one view; a light decoder paints the others. Needs a backbone that can hide cells (Backbone::cell_size), as ResNets
/// can. Draws "noise" (N, g, g): of an image's g x g cells, those with the least noise stay visible.
class SparK : public PaintingMethod {
 public:
  using Options = SparKOptions;
  /// Throws Error for a backbone that can't hide cells, one that splits its batch normalisation, and a decoder that is
  /// too narrow.
  SparK(const SparKOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype = DType::f32);

  /// One view. Throws Error for a size that isn't a multiple of the cells', or has too few of them.
  std::vector<ViewGroup> views(const Augmentation& augmentation, int64_t size) const override;
  DrawnTensors draw(const BatchDraw& from) const override;
  Variable loss(const Batch& batch, StepLog& log) override;
  ParameterArena& online() override { return *online_; }
  /// Biases, vectors and mask tokens are not decayed.
  ParameterRule rule(const std::string& name, const Shape& shape) const override;
  /// The backbone's features of whole images.
  std::vector<Space> embed(const Tensor& images) override;
  Backbone& backbone() override { return *backbone_; }
  Reconstruction reconstruct(const Batch& batch) override;

 private:
  /// Of an image of `grid` x `grid` cells: round(grid^2 (1 - mask ratio)), halves to even, as the published code.
  int64_t visible_cells(int64_t grid) const;
  /// What the decoder makes of the visible cells, `kept` (N, K), of images (N, S, S, C): the same shape.
  Variable paint(const Tensor& images, const Tensor& kept, StepLog& log);

  SparKOptions options_;
  std::unique_ptr<Backbone> backbone_;
  int64_t cell_, halvings_;  // 2^halvings = cell, in pixels
  LightDecoder decoder_;
  std::unique_ptr<Densifier> densifier_;
  std::unique_ptr<ParameterArena> online_;
};

}  // namespace minissl
