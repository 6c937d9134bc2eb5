#pragma once
#include "ssl/encoder.h"
#include "ssl/key_queue.h"
#include "ssl/method.h"

namespace minissl {

struct MoCoOptions {
  int64_t dim = 128;
  Encoder::Head head = Encoder::Head::mlp;
  int64_t queue = 65536;
  double momentum = 0.999;
  double temperature = 0.07;
  double variance_weight = 1.0;
};

/// MoCo v2: momentum contrast (He et al. 2020) with an MLP head (Chen et al. 2020), plus VICReg's variance term on the
/// raw query projections. Follow one step in loss(), which reads like the paper.
class MoCo : public Method {
 public:
  MoCo(const MoCoOptions& options, const ResNetOptions& network, uint64_t seed, DType dtype = DType::f32);

  void before_step() override;
  Variable loss(const Tensor& view1, const Tensor& view2, StepLog& log) override;
  void after_backward() override;
  ParameterArena& online() override { return *online_; }
  Embedding embed(const Tensor& images) override;
  ResNet& backbone() override { return encoder_q_.backbone(); }
  std::string check_data(int64_t images, int64_t batch) const override;

 private:
  MoCoOptions options_;
  Encoder encoder_q_, encoder_k_;
  KeyQueue queue_;
  std::unique_ptr<ParameterArena> online_, target_;
  Tensor keys_;  // of the last loss(), not yet in the queue
};

}  // namespace minissl
