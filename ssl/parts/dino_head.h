#pragma once
#include <memory>

#include "nn/layers.h"

namespace minissl {

struct DinoHeadOptions {
  int64_t hidden = 2048, bottleneck = 256, outputs = 65536;
  bool batch_norm = false;  ///< after the two hidden layers
  bool train_norm = false;  ///< the last layer's gains are trained, not 1
};

/// DINO's head (Caron et al. 2021, section 3.1), with the names and the initialisation of the authors' code: "mlp",
/// three Linear layers with GELU between them, and "last_layer", a weight-normalised one, on unit vectors.
class DinoHead : public Module {
 public:
  DinoHead(int64_t features, const DinoHeadOptions& options);

  struct Output {
    Variable raw;         ///< (N, bottleneck), before it gets unit length
    Variable bottleneck;  ///< (N, bottleneck), unit vectors
    Variable logits;      ///< (N, outputs)
  };
  Output forward(const Variable& features);
  /// The first of these alone.
  Variable raw(const Variable& features);

 private:
  Linear first_, second_, third_;
  std::unique_ptr<BatchNorm> first_norm_, second_norm_;  // null: none
  Module mlp_;
  WeightNormLinear last_layer_;
};

}  // namespace minissl
