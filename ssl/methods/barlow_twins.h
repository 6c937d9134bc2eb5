#pragma once
#include "ssl/methods/joint_embedding.h"

namespace minissl {

struct BarlowTwinsOptions {
  int64_t dim = 2048, hidden = 2048;
  double lambda = 0.005;
  double variance_weight = 0;

  void visit(OptionVisitor& visitor);
};

/// BarlowTwins (Zbontar et al. 2021): across a batch, each dimension of one view's projection should correlate with the
/// same dimension of the other view's and with no other.
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
