#pragma once
#include "ssl/methods/joint_embedding.h"

namespace minissl {

struct SimSiamOptions {
  int64_t dim = 2048, hidden = 2048;
  double variance_weight = 0;

  void visit(OptionVisitor& visitor);
};

/// SimSiam (Chen and He 2021): a predictor with dim / 4 hidden units maps each view's projection to the other's,
/// through which no gradient flows.
class SimSiam : public JointEmbedding {
 public:
  using Options = SimSiamOptions;
  SimSiam(const SimSiamOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype = DType::f32);

  Variable loss(const Batch& batch, StepLog& log) override;
  /// The predictor learns at the peak rate throughout (section 4.2 of the paper).
  ParameterRule rule(const std::string& name, const Shape& shape) const override;

 private:
  Mlp predictor_;
};

}  // namespace minissl
