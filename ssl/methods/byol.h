#pragma once
#include "ssl/methods/joint_embedding.h"
#include "ssl/parts/momentum.h"

namespace minissl {

struct BYOLOptions {
  int64_t dim = 256, hidden = 4096;
  MomentumSchedule momentum{.start = 0.996};
  double variance_weight = 0;

  void visit(OptionVisitor& visitor);
};

/// BYOL (Grill et al. 2020): a predictor maps each view's projection to the other view's projection by a slowly
/// following target network. The target is updated after the optimizer's step; it has its own batch statistics.
class BYOL : public JointEmbedding {
 public:
  using Options = BYOLOptions;
  BYOL(const BYOLOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype = DType::f32);

  Variable loss(const Batch& batch, StepLog& log) override;
  void begin(const StepPosition& position) override { momentum_.set(position); }
  Follower follower() override { return {target_parameters_.get(), momentum_.value()}; }

 private:
  Momentum momentum_;
  Mlp predictor_;
  Module target_;
  std::unique_ptr<Backbone> target_backbone_;
  Mlp target_projector_;
  std::unique_ptr<ParameterArena> target_parameters_;
};

}  // namespace minissl
