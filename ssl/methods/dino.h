#pragma once
#include "ssl/methods/projection_method.h"
#include "ssl/parts/dino_head.h"
#include "ssl/parts/momentum.h"
#include "ssl/parts/multi_crop.h"
#include "ssl/parts/output_center.h"

namespace minissl {

struct DINOOptions {
  int64_t dim = 65536, hidden = 2048, bottleneck = 256;
  bool head_bn = false, train_norm = false;
  MultiCropOptions crops{.local_crops = 8, .local_size = 96, .global_crop_scale{0.4, 1}, .local_crop_scale{0.05, 0.4}};
  double temperature = 0.1, teacher_temperature = 0.04, warmup_teacher_temperature = 0.04;
  int64_t warmup_teacher_epochs = 0;
  double center_momentum = 0.9;
  MomentumSchedule momentum{.start = 0.996, .end = 1};
  int64_t freeze_last_epochs = 1;
  double variance_weight = 0;

  void visit(OptionVisitor& visitor);
};

/// DINO (Caron et al. 2021): from every crop of an image, small ones included, a student predicts what its teacher, a
/// moving average of it, makes of the image's two large crops. The teacher's output is centred, against collapse to one
/// dimension, and sharpened, against collapse to the uniform distribution. The teacher is what is kept.
class DINO : public ProjectionMethod {
 public:
  using Options = DINOOptions;
  DINO(const DINOOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype = DType::f32);

  std::vector<ViewGroup> views(const Augmentation& augmentation, int64_t size) const override {
    return options_.crops.views(augmentation, size);
  }
  /// "drop" for a Vision Transformer with stochastic depth, (depth, 2, (2 + V) N): the student's, crop after crop.
  DrawnTensors draw(const BatchDraw& from) const override;
  void begin(const StepPosition& position) override;
  void before_batches() override { center_.begin(); }
  Variable loss(const Batch& batch, StepLog& log) override;
  void after_backward() override { center_.add(std::exchange(teacher_mean_, {})); }
  void after_batches(int64_t count) override { center_.move(count); }

  ParameterArena& online() override { return *online_; }
  /// Biases and other vectors don't decay. The last layer is frozen in the first epochs.
  ParameterRule rule(const std::string& name, const Shape& shape) const override;
  Clip clip() const override { return Clip::each; }
  Follower follower() override { return {target_.get(), momentum_.value()}; }

  std::vector<Space> embed(const Tensor& images) override;
  Backbone& backbone() override { return *teacher_.backbone; }
  Targets targets() const override {
    return {options_.dim, "the teacher's output", "a lower `teacher-temperature` sharpens it",
            "a lower `center-momentum` spreads it"};
  }

  /// Of the teacher, in an epoch counted from 0: linear from the first to the last of the epochs of its warmup.
  double teacher_temperature(int64_t epoch) const;

 private:
  struct Network : Module {
    Network(const DINOOptions& options, const BackboneConfig& config);
    std::unique_ptr<Backbone> backbone;
    DinoHead head;
  };

  DINOOptions options_;
  Network student_, teacher_;
  OutputCenter center_;
  Momentum momentum_;
  Tensor teacher_temperature_;  // f64 (1), on the device
  int64_t epoch_ = 0;           // of the step in progress
  std::unique_ptr<ParameterArena> online_, target_;
  Tensor teacher_mean_;  // of the last loss(), not yet in the centre
};

}  // namespace minissl
