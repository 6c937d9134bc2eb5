#pragma once
#include "ssl/method.h"
#include "ssl/mlp.h"

namespace minissl {

/// What the methods without a queue have in common: both views go through one backbone and one projector, each view a
/// batch of its own for batch normalisation.
class JointEmbedding : public Method {
 public:
  ParameterArena& online() override { return *online_; }
  Embedding embed(const Tensor& images) override;
  ResNet& backbone() override { return backbone_; }

 protected:
  /// `widths`: of the projector, after the backbone's features.
  JointEmbedding(const SharedOptions& options, const ResNetOptions& network, std::vector<int64_t> widths,
                 Mlp::Last last = Mlp::Last::linear);
  /// Puts a predictor behind the projector.
  void add_predictor(Mlp& predictor) { trained_.add_child("predictor", predictor); }
  /// To be called once all parts are there: draws the parameters and makes online().
  void initialize_trained(uint64_t seed, DType dtype);

  /// The projections (N, dim) of images (N, H, W, C).
  Variable project(const Tensor& images) { return finish(raw_projection(images)); }
  /// The same in two parts, for a projector that ends in batch normalisation: before and after it.
  Variable raw_projection(const Tensor& images) { return projector_.raw(backbone_.forward(images)); }
  Variable finish(const Variable& raw) { return projector_.finish(raw); }

 private:
  Module trained_;
  ResNet backbone_;
  Mlp projector_;
  std::unique_ptr<ParameterArena> online_;
};

}  // namespace minissl
