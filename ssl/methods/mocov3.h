#pragma once
#include <memory>

#include "ssl/methods/projection_method.h"
#include "ssl/parts/mlp.h"
#include "ssl/parts/momentum.h"

namespace minissl {

struct MoCoV3Options {
  int64_t dim = 256, hidden = 4096;
  double temperature = 0.2;
  MomentumSchedule momentum{.start = 0.99, .end = 1};
  bool stop_grad_patch = true;  ///< a Vision Transformer's patch embedding keeps its random weights
  double variance_weight = 0;

  void visit(OptionVisitor& visitor);
};

/// MoCo v3 (Chen, Xie and He 2021): each view predicts the other's key among the keys of the batch; no queue. A Vision
/// Transformer has fixed sine and cosine positions, and its patch embedding is not trained (section 4.3 of the paper).
class MoCoV3 : public ProjectionMethod {
 public:
  using Options = MoCoV3Options;
  MoCoV3(const MoCoV3Options& options, const BackboneConfig& backbone, uint64_t seed, DType dtype = DType::f32);

  void begin(const StepPosition& position) override { momentum_.set(position); }
  void before_batches() override;
  Variable loss(const Batch& batch, StepLog& log) override;
  ParameterArena& online() override { return *online_; }
  ParameterRule rule(const std::string& name, const Shape& shape) const override;
  std::vector<Space> embed(const Tensor& images) override;
  Backbone& backbone() override { return *base_.backbone; }

 private:
  /// A backbone and its projector.
  struct Encoder : Module {
    Encoder(std::unique_ptr<Backbone> network, const std::vector<int64_t>& widths);
    /// The projections (N, dim), before the projector's last batch normalisation.
    Variable raw(const Tensor& images) { return projector.raw(backbone->forward(images)); }

    std::unique_ptr<Backbone> backbone;
    Mlp projector;
  };
  MoCoV3(const MoCoV3Options& options, const BackboneConfig& backbone, bool transformer);

  MoCoV3Options options_;
  Encoder base_, momentum_encoder_;
  Mlp predictor_;
  Module trained_, following_;  // the modules of both arenas
  Momentum momentum_;
  std::unique_ptr<ParameterArena> online_, target_;
};

}  // namespace minissl
