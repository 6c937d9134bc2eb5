#pragma once
#include "ssl/methods/joint_embedding.h"

namespace minissl {

struct VICRegOptions {
  int64_t dim = 2048, hidden = 2048;
  std::array<double, 3> weights{25, 25, 1};  ///< of invariance, variance, covariance
  double variance_weight = 0;                ///< added to these

  void visit(OptionVisitor& visitor);
};

/// VICReg (Bardes et al. 2022): the views' projections should agree, and each dimension should vary across a batch,
/// uncorrelated with the others.
class VICReg : public JointEmbedding {
 public:
  using Options = VICRegOptions;
  VICReg(const VICRegOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype = DType::f32);

  Variable loss(const Batch& batch, StepLog& log) override;

 private:
  VICRegOptions options_;
};

}  // namespace minissl
