#pragma once
#include <memory>

#include "ssl/methods/projection_method.h"
#include "ssl/parts/mlp.h"

namespace minissl {

/// The base of methods whose views all go through one backbone and one projector.
class JointEmbedding : public ProjectionMethod {
 public:
  ParameterArena& online() override { return *online_; }
  std::vector<Space> embed(const Tensor& images) override;
  Backbone& backbone() override { return *backbone_; }

 protected:
  /// `widths`: the projector's, after the backbone's features.
  JointEmbedding(double variance_weight, const BackboneConfig& backbone, std::vector<int64_t> widths,
                 Mlp::Last last = Mlp::Last::linear);
  /// Adds a part that is trained as well, such as a predictor, after the projector.
  void add_part(const std::string& name, Module& part) { trained_.add_child(name, part); }
  /// Call it once all parts are added: draws the parameters and creates online().
  void initialize_trained(uint64_t seed, DType dtype);

  /// The projections (N, dim) of images (N, H, W, C), which are a batch of their own to batch normalisation.
  Variable project(const Tensor& images) { return finish(raw_projection(images)); }
  /// The same in two parts, before and after a projector's final batch normalisation.
  Variable raw_projection(const Tensor& images) { return projector_.raw(backbone_->forward(images)); }
  Variable finish(const Variable& raw) { return projector_.finish(raw); }
  /// Of the backbone's features (N, D).
  Variable projection_of(const Variable& features) { return projector_.forward(features); }

 private:
  Module trained_;
  std::unique_ptr<Backbone> backbone_;
  Mlp projector_;
  std::unique_ptr<ParameterArena> online_;
};

}  // namespace minissl
