#pragma once
#include <memory>
#include <string>
#include <vector>

#include "formats/safetensors.h"
#include "nn/arena.h"
#include "nn/parameter_rule.h"
#include "tensor/number.h"

namespace minissl {

namespace ops {
struct Followers;
}

/// The betas are what remains of a running mean after a step.
struct AdamWOptions {
  double beta1 = 0.9;     ///< of the gradient's mean
  double beta2 = 0.999;   ///< of its square's
  double epsilon = 1e-8;  ///< added to the denominator
};
struct LionOptions {
  double beta1 = 0.9;   ///< of the momentum, in the update
  double beta2 = 0.99;  ///< of the momentum that the next step sees
};

struct OptimizerOptions {
  std::string kind = "adamw";  ///< a name of nn/optimizers/registry.h
  double weight_decay = 1e-4;  ///< where no schedule says otherwise
  /// The parameters that are decayed: "all", or "weights": those of two or more dimensions, not norms and biases. LARS
  /// decays and adapts weights alone, whatever this says.
  std::string decay_scope = "all";
  double momentum = 0.9;  ///< of SGD and LARS
  double trust = 0.001;   ///< of LARS: the length of a step, as a part of the weights' norm, at a rate of 1
  AdamWOptions adamw = {};
  LionOptions lion = {};
};

/// What a step is done with.
struct StepRates {
  double lr;            ///< by the schedule
  double peak_lr;       ///< for parameters with a constant rate
  double weight_decay;  ///< by its schedule
};

/// A momentum encoder, which follows the beginning of another arena:
///   values = momentum * values + (1 - momentum) * those of the other.
struct Follower {
  ParameterArena* arena = nullptr;  ///< none: null
  Number momentum = 1;
};

/// Updates an arena's values from its gradients, in one pass over memory. This class holds what all optimizers have in
/// common: the arena, the moments, the rules of the parameters, and the state in a checkpoint. A kind of optimizer is a
/// file in nn/optimizers/.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Counts a step and writes its numbers where update() reads them. Asks for the rules again: they may depend on the
  /// step. Work of the host, which a CUDA graph does not hold.
  void begin_step(const StepRates& rates);
  /// The update itself, which a CUDA graph can hold. Gradients are multiplied by `gradient_scale` on the way. The
  /// follower is written in the same pass, as are the copies of the values in bf16.
  void update(const Number& gradient_scale = 1, const Follower& follower = {}) const;
  /// Both.
  void step(const StepRates& rates, const Number& gradient_scale = 1, const Follower& follower = {});
  /// With a learning rate that follows no schedule, and the weight decay of the options.
  void step(double lr, const Number& gradient_scale = 1, const Follower& follower = {});
  StepRates constant_rates(double lr) const { return {lr, lr, options_.weight_decay}; }
  int64_t steps() const { return steps_; }

  /// What a checkpoint needs: the moments and the counts of steps, under "optimizer.".
  NamedTensors state() const;
  /// Throws Error when `file` lacks any of it, its shapes differ, or it has moments that this kind of optimizer has
  /// not.
  void load_state(const SafetensorsReader& file);

 protected:
  /// What distinguishes the kinds from each other, apart from their update.
  struct Traits {
    size_t moments;               ///< tensors of the arena's length, at most two
    bool exempt_vectors = false;  ///< norms and biases are neither decayed nor adapted, whatever the options say
  };
  /// Throws Error for options that make no sense. The arena must outlive the optimizer, and what `rules` uses, too.
  Optimizer(const OptimizerOptions& options, ParameterArena& arena, ParameterRules rules, const Traits& traits);

  virtual void apply(const Number& gradient_scale, const ops::Followers& followers) const = 0;
  const OptimizerOptions& options() const { return options_; }
  const Tensor& moment(size_t i) const { return moments_[i]; }
  /// An operation on the arena, with all that updates have in common filled in.
  template <class Op>
  Op prepared(const Number& gradient_scale, const ops::Followers& followers) const;

 private:
  // A number that update() reads on the device.
  class DeviceNumber {
   public:
    DeviceNumber() = default;
    explicit DeviceNumber(Device device) : value_(Tensor::zeros({1}, DType::f64, device)) {}
    // Fills it only where it changes: a fill is a launch on a GPU.
    void set(double value) {
      if (value == written_) return;
      value_.fill(value);
      written_ = value;
    }
    Number get() const { return value_; }

   private:
    Tensor value_;
    double written_ = 0;
  };

  void upload_rules();

  OptimizerOptions options_;
  ParameterArena& arena_;
  ParameterRules ask_rule_;
  Tensor pieces_;                // of the arena (tensor/pieces.h)
  std::vector<Tensor> moments_;  // by moment_names
  int64_t steps_ = 0;
  std::vector<ParameterRule> rules_;  // of the step in progress, by parameter
  std::vector<int64_t> skipped_;      // steps in which a parameter was frozen
  Tensor rule_table_;                 // both, on the arena's device (tensor/rules.h)
  bool table_is_current_ = true;
  DeviceNumber step_, lr_, peak_lr_, weight_decay_;  // of the step in progress
};

template <class Op>
Op Optimizer::prepared(const Number& gradient_scale, const ops::Followers& followers) const {
  Op op;
  op.value = arena_.values();
  op.gradient = arena_.gradients();
  op.pieces = pieces_;
  op.rules = rule_table_;
  if constexpr (requires { op.step; }) op.step = step_.get();
  op.lr = {lr_.get(), peak_lr_.get()};
  op.weight_decay = weight_decay_.get();
  op.gradient_scale = gradient_scale;
  op.followers = followers;
  return op;
}

/// The optimizer of the kind that the options name, whose parameters follow these rules; none: all are alike. Throws
/// Error for options that make no sense. The arena must outlive the optimizer, and what `rules` uses, too.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, ParameterArena& arena,
                                          ParameterRules rules = {});

}  // namespace minissl
