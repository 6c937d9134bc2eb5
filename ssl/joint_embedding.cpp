#include "ssl/joint_embedding.h"

namespace minissl {
namespace {

std::vector<int64_t> behind(int64_t features, std::vector<int64_t> widths) {
  widths.insert(widths.begin(), features);
  return widths;
}

}  // namespace

JointEmbedding::JointEmbedding(const SharedOptions& options, const ResNetOptions& network, std::vector<int64_t> widths,
                               Mlp::Last last)
    : Method(options),
      backbone_(options.applied_to(network)),
      projector_(behind(backbone_.features(), std::move(widths)), last) {
  trained_.add_child("backbone", backbone_);
  trained_.add_child("projector", projector_);
  add_child("", trained_);
}

void JointEmbedding::initialize_trained(uint64_t seed, DType dtype) {
  to(dtype);
  trained_.initialize(seed);
  online_ = std::make_unique<ParameterArena>(trained_);
}

Embedding JointEmbedding::embed(const Tensor& images) {
  const EvaluationScope evaluation(*this);
  const Variable features = backbone_.forward(images.to(device()));
  return {features.value(), projector_.forward(features).value()};
}

}  // namespace minissl
