#pragma once
#include <optional>

#include "ssl/methods/joint_embedding.h"
#include "ssl/parts/multi_crop.h"
#include "ssl/parts/projection_queue.h"
#include "tensor/ops/distillation.h"

namespace minissl {

struct SwAVOptions {
  int64_t dim = 128, hidden = 2048, prototypes = 3000;
  int64_t queue = 0;  ///< earlier projections that are assigned along with a batch's; 0: none
  double epsilon = 0.05;
  int64_t sinkhorn = 3;
  double temperature = 0.1;
  MultiCropOptions crops{
      .local_crops = 6, .local_size = 96, .global_crop_scale{0.14, 1}, .local_crop_scale{0.05, 0.14}};
  int64_t freeze_prototypes_steps = 313;
  double variance_weight = 0;

  void visit(OptionVisitor& visitor);
};

/// SwAV (Caron et al. 2020): from every crop of an image, small ones included, predict to which prototypes the image's
/// two large crops were assigned. All prototypes get equal shares of a batch, and so the network can't give all images
/// the same one.
class SwAV : public JointEmbedding {
 public:
  using Options = SwAVOptions;
  SwAV(const SwAVOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype = DType::f32);

  std::vector<ViewGroup> views(const Augmentation& augmentation, int64_t size) const override {
    return options_.crops.views(augmentation, size);
  }
  std::string check_data(int64_t images, int64_t batch) const override;
  void begin(const StepPosition& position) override;
  /// Scales the prototypes to unit length. The optimizer's update changes their length, and checkpoints hold them as
  /// they are after it.
  void before_batches() override;
  Variable loss(const Batch& batch, StepLog& log) override;
  void after_backward() override;
  uint64_t form() const override { return 2 * JointEmbedding::form() + (queue_in_use_ ? 1 : 0); }
  Targets targets() const override {
    return {options_.prototypes, "the assignment", "a lower `epsilon` sharpens it", "a higher `epsilon` softens it"};
  }
  /// The prototypes are frozen in the first steps.
  ParameterRule rule(const std::string& name, const Shape& shape) const override;

 private:
  /// Of the two global crops, (2 N, K), given z (C N, dim) and scores (C N, K) of all.
  ops::SoftTargets assignments(const Tensor& z, const Tensor& scores, int64_t images);

  SwAVOptions options_;
  Linear prototypes_;
  std::optional<ProjectionQueue> queue_;
  int64_t step_ = 0;                // in progress
  bool queue_in_use_ = false;       // in this step
  std::array<Tensor, 2> entering_;  // the queue: both global crops' z of the last loss()
};

}  // namespace minissl
