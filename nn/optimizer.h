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

/// Updates an arena's values from its gradients.
class Optimizer {
 public:
  /// Throws Error for an unknown kind or scope. The arena must outlive the optimizer.
  Optimizer(const OptimizerOptions& options, ParameterArena& arena);

  /// One step with this learning rate; gradients are multiplied by `gradient_scale` on the way.
  void step(double lr, const Number& gradient_scale = 1);
  /// The same in two parts, of which a CUDA graph can hold the second: begin_step() counts the step and says its
  /// learning rate where update() reads them.
  void begin_step(double lr);
  void update(const Number& gradient_scale = 1) const;
  int64_t steps() const { return steps_; }

  /// What a checkpoint needs: the moments and the number of steps, under "optimizer.".
  NamedTensors state() const;
  /// Throws Error when `file` lacks any of it or its shapes differ.
  void load_state(const SafetensorsReader& file);

 private:
  /// A part of the arena whose parameters are treated alike.
  struct Part {
    int64_t begin, end;  ///< elements
    bool weights;        ///< two or more dimensions
  };
  void update(const Part& part, const Number& gradient_scale) const;

  OptimizerOptions options_;
  ParameterArena& arena_;
  std::vector<Part> parts_;
  Tensor first_, second_;  // AdamW's m and v; SGD's and LARS's buffer and nothing
  int64_t steps_ = 0;
  Tensor step_, lr_;  // of the step in progress, on the arena's device
};

}  // namespace minissl
