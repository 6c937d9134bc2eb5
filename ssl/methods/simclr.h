#pragma once
#include "ssl/methods/joint_embedding.h"

namespace minissl {

struct SimCLROptions {
  int64_t dim = 128, hidden = 2048;
  double temperature = 0.1;
  double variance_weight = 0;

  void visit(OptionVisitor& visitor);
};

/// SimCLR (Chen et al. 2020): each view should find the other view of its image among all views of a batch.
class SimCLR : public JointEmbedding {
 public:
  using Options = SimCLROptions;
  SimCLR(const SimCLROptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype = DType::f32);

  Variable loss(const Batch& batch, StepLog& log) override;

 private:
  SimCLROptions options_;
};

}  // namespace minissl
