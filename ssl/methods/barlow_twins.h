#pragma once
#include "ssl/methods/joint_embedding.h"

namespace minissl {

struct BarlowTwinsOptions {
  int64_t dim = 2048, hidden = 2048;
  double lambda = 0.005;
  double variance_weight = 0;

  void visit(OptionVisitor& visitor);
};

/// BarlowTwins (Zbontar et al. 2021): the dimensions of two views' projections shall agree with each other across a
/// batch and with no other dimension.
class BarlowTwins : public JointEmbedding {
 public:
  using Options = BarlowTwinsOptions;
  BarlowTwins(const BarlowTwinsOptions& options, const BackboneConfig& backbone, uint64_t seed,
              DType dtype = DType::f32);

  Variable loss(const Batch& batch, StepLog& log) override;

 private:
  BarlowTwinsOptions options_;
};

}  // namespace minissl
