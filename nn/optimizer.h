#pragma once
#include <memory>
#include <string>
#include <vector>

#include "formats/safetensors.h"
#include "nn/arena.h"
#include "nn/parameter_rule.h"
#include "tensor/number.h"
#include "tensor/options.h"

namespace minissl {

namespace ops {
struct Followers;
}

/// The betas are the share of a running mean that remains after a step.
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
  std::string kind = "adamw";  ///< a name in nn/optimizers/registry.h
  double weight_decay = 1e-4;  ///< unless a schedule sets it
  /// Which parameters are decayed: "all", or "weights", those of two or more dimensions (not norms and biases). LARS
  /// always decays and adapts weights only.
  std::string decay_scope = "all";
  double momentum = 0.9;  ///< of SGD and LARS
  double trust = 0.001;   ///< of LARS: the length of a step as a fraction of the weights' norm, at a rate of 1
  AdamWOptions adamw = {};
  LionOptions lion = {};

  void visit(OptionVisitor& visitor);
  /// The kind alone, for programs that only need to know how much memory it takes.
  void visit_kind(OptionVisitor& visitor);
};

/// The rates of one step.
struct StepRates {
  double lr;            ///< from the schedule
  double peak_lr;       ///< for parameters with a constant rate
  double weight_decay;  ///< from its schedule
};

/// A momentum encoder, which follows the beginning of another arena:
///   values = momentum * values + (1 - momentum) * the other's values.
struct Follower {
  ParameterArena* arena = nullptr;  ///< none: null
  Number momentum = 1;
};

/// Updates an arena's values from its gradients, in one pass over memory. This class holds what all optimizers share:
/// the arena, the moments, the parameters' rules, and the state in a checkpoint. Each kind of optimizer is a file in
/// nn/optimizers/.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Counts a step and writes its numbers to where update() reads them. Queries the rules again, since they may depend
  /// on the step. Runs on the host, outside any CUDA graph.
  void begin_step(const StepRates& rates);
  /// The update itself, which a CUDA graph can record. Gradients are multiplied by `gradient_scale`. The follower and
  /// the bf16 copies of the values are written in the same pass.
  void update(const Number& gradient_scale = 1, const Follower& follower = {}) const;
  /// Both.
  void step(const StepRates& rates, const Number& gradient_scale = 1, const Follower& follower = {});
  /// With a constant learning rate and the options' weight decay.
  void step(double lr, const Number& gradient_scale = 1, const Follower& follower = {});
  StepRates constant_rates(double lr) const { return {lr, lr, options_.weight_decay}; }
  int64_t steps() const { return steps_; }
  /// Which of the arena's elements are which parameter (tensor/pieces.h).
  const Tensor& pieces() const { return pieces_; }

  /// The state for a checkpoint: the moments and the step counts, under "optimizer.".
  NamedTensors state() const;
  /// Throws Error if `file` lacks any of it, has other shapes, or has moments that this kind of optimizer lacks.
  void load_state(const SafetensorsReader& file);

 protected:
  /// The differences between the kinds, apart from the update.
  struct Traits {
    size_t moments;               ///< tensors of the arena's length, at most two
    bool exempt_vectors = false;  ///< norms and biases are never decayed or adapted, whatever the options say
  };
  /// Throws Error for invalid options. The arena, and anything `rules` refers to, must outlive the optimizer.
  Optimizer(const OptimizerOptions& options, ParameterArena& arena, ParameterRules rules, const Traits& traits);

  virtual void apply(const Number& gradient_scale, const ops::Followers& followers) const = 0;
  const OptimizerOptions& options() const { return options_; }
  const Tensor& moment(size_t i) const { return moments_[i]; }
  /// An operation on the arena, with the fields that all updates share filled in.
  template <class Op>
  Op prepared(const Number& gradient_scale, const ops::Followers& followers) const;

 private:
  // A number that update() reads on the device.
  class DeviceNumber {
   public:
    DeviceNumber() = default;
    explicit DeviceNumber(Device device) : value_(Tensor::zeros({1}, DType::f64, device)) {}
    // Fills it only on a change: on a GPU a fill is a kernel launch.
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
  std::vector<Tensor> moments_;  // in the order of moment_names
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

/// An optimizer of the kind that the options name; without rules, all parameters are treated alike. Throws Error for
/// invalid options. The arena, and anything `rules` refers to, must outlive the optimizer.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, ParameterArena& arena,
                                          ParameterRules rules = {});

}  // namespace minissl
