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

/// BYOL (Grill et al. 2020): a predictor maps each view's projection to what a slowly following target network makes of
/// the other view. The target moves after the optimizer's step; its batch statistics are its own.
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
