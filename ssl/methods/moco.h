#pragma once
#include "ssl/methods/projection_method.h"
#include "ssl/parts/encoder.h"
#include "ssl/parts/key_queue.h"
#include "ssl/parts/momentum.h"

namespace minissl {

struct MoCoOptions {
  int64_t dim = 128;
  std::string head = "mlp";  ///< or linear
  int64_t queue = 65536;
  MomentumSchedule momentum{.start = 0.999};
  double temperature = 0.07;
  bool symmetric = false;  ///< also predict view 2 from view 1; the losses are added and both keys enqueued
  double variance_weight = 1;

  void visit(OptionVisitor& visitor);
};

/// MoCo v2: momentum contrast (He et al. 2020) with an MLP head (Chen et al. 2020), plus VICReg's variance term on the
/// raw query projections. Follow one step in loss(), written to read like the paper.
///
/// On one device, plain batch normalisation lets a query recognise its key by the batch they share. With a backbone
/// that divides its batch into groups, the keys are shuffled, so that query and key are normalised with different
/// images (section 3.3 of the paper).
class MoCo : public ProjectionMethod {
 public:
  using Options = MoCoOptions;
  MoCo(const MoCoOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype = DType::f32);

  DrawnTensors draw(const BatchDraw& from) const override;
  void begin(const StepPosition& position) override { momentum_.set(position); }
  void before_batches() override;
  Variable loss(const Batch& batch, StepLog& log) override;
  void after_backward() override;
  ParameterArena& online() override { return *online_; }
  std::vector<Space> embed(const Tensor& images) override;
  Backbone& backbone() override { return encoder_q_.backbone(); }
  std::string check_data(int64_t images, int64_t batch) const override;

  /// The query encoder's output for images (N, H, W, C): unit vectors (N, dim).
  Variable query(const Tensor& images);
  /// The key encoder's output, without recording; it sees the images in shuffled order if the backbone divides its
  /// batch.
  Tensor key(const Tensor& images, const Tensor& shuffle);

 private:
  /// The loss of predicting keys k (N, dim) from images; `end` is appended to names in the log.
  Variable direction(const Tensor& images, const Tensor& k, StepLog& log, const std::string& end);

  MoCoOptions options_;
  Encoder encoder_q_, encoder_k_;
  KeyQueue queue_;
  Momentum momentum_;
  std::unique_ptr<ParameterArena> online_, target_;
  Tensor keys_;  // of the last loss(), not yet in the queue
};

}  // namespace minissl
