#pragma once
#include <memory>
#include <string>

#include "formats/safetensors.h"
#include "nn/arena.h"
#include "tensor/number.h"

namespace minissl {

struct OptimizerOptions {
  std::string kind = "adamw";  ///< adamw, sgd or lars
  double weight_decay = 1e-4;
  /// What weight decay is for: "all" parameters, or "weights": those of two or more dimensions, not norms and biases.
  /// LARS decays and adapts weights alone, whatever this says.
  std::string decay_scope = "all";
  double momentum = 0.9;  ///< of SGD and LARS
  double trust = 0.001;   ///< of LARS: how far a step may go, in parts of the weights' norm, at a learning rate of 1
};

/// A momentum encoder, which follows the beginning of another arena:
///   values = momentum * values + (1 - momentum) * those of the other.
struct Follower {
  ParameterArena* arena = nullptr;  ///< none: null
  Number momentum = 1;
};

/// Updates an arena's values from its gradients, in one pass over memory.
class Optimizer {
 public:
  /// Throws Error for an unknown kind or scope. The arena must outlive the optimizer.
  Optimizer(const OptimizerOptions& options, ParameterArena& arena);

  /// One step with this learning rate. Gradients are multiplied by `gradient_scale` on the way, and who follows the
  /// values is written with them, as are their copies in bf16.
  void step(double lr, const Number& gradient_scale = 1, const Follower& follower = {});
  /// The same in two parts, of which a CUDA graph can hold the second: begin_step() counts the step and says its
  /// learning rate where update() reads them.
  void begin_step(double lr);
  void update(const Number& gradient_scale = 1, const Follower& follower = {}) const;
  int64_t steps() const { return steps_; }

  /// What a checkpoint needs: the moments and the number of steps, under "optimizer.".
  NamedTensors state() const;
  /// Throws Error when `file` lacks any of it or its shapes differ.
  void load_state(const SafetensorsReader& file);

 private:
  OptimizerOptions options_;
  ParameterArena& arena_;
  Tensor pieces_;          // of the arena (tensor/pieces.h)
  Tensor first_, second_;  // AdamW's m and v; SGD's and LARS's buffer and nothing
  int64_t steps_ = 0;
  Tensor step_, lr_;  // of the step in progress, on the arena's device
};

}  // namespace minissl
