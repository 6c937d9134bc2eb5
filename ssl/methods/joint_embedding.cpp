#include "ssl/methods/joint_embedding.h"

namespace minissl {
JointEmbedding::JointEmbedding(double variance_weight, const BackboneConfig& backbone, std::vector<int64_t> widths,
                               Mlp::Last last)
    : ProjectionMethod(variance_weight),
      backbone_(backbone.make()),
      projector_(after(backbone_->features(), std::move(widths)), last) {
  trained_.add_child("backbone", *backbone_);
  trained_.add_child("projector", projector_);
  add_child("", trained_);
}

void JointEmbedding::initialize_trained(uint64_t seed, DType dtype) {
  to(dtype);
  trained_.initialize(seed);
  online_ = std::make_unique<ParameterArena>(trained_);
}

std::vector<Space> JointEmbedding::embed(const Tensor& images) {
  const EvaluationScope evaluation(*this);
  const Variable features = backbone_->forward(images.to(device()));
  return {{"backbone", features.value()}, {"projection", projector_.forward(features).value()}};
}

}  // namespace minissl
