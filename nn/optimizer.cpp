#include "nn/optimizer.h"

#include <algorithm>
#include <utility>

#include "nn/optimizers/registry.h"
#include "tensor/ops/update.h"

namespace minissl {
namespace {

constexpr const char* steps_name = "optimizer.steps";
constexpr const char* moment_names[] = {"optimizer.first", "optimizer.second"};
constexpr const char* skipped_name = "optimizer.skipped";

Tensor pieces_of(const ParameterArena& arena) {
  std::vector<ParameterRange> parameters;
  const auto& segments = arena.segments();
  for (size_t i = 0; i < segments.size(); ++i) {
    // Padding is zero and stays zero whatever its neighbour's rule does to it.
    const int64_t end = i + 1 < segments.size() ? segments[i + 1].offset : arena.values().numel();
    parameters.push_back({segments[i].offset, end});
  }
  return make_pieces(parameters, arena.values().device());
}

}  // namespace

void OptimizerOptions::visit_kind(OptionVisitor& visitor) {
  visitor.visit_choice("optimizer", kind, optimizer_kinds(), "how gradients become steps");
}

void OptimizerOptions::visit(OptionVisitor& visitor) {
  visit_kind(visitor);
  visitor.visit_number("weight-decay", weight_decay, Range::at_least(0),
                       "weight decay, of the parameters in decay-scope");
  visitor.visit_choice("decay-scope", decay_scope, {"all", "weights"},
                       "parameters with weight decay: all, or weights (no norms or biases; LARS: always)");
  visitor.visit_number("adamw-beta1", adamw.beta1, {0, 0.9999},
                       "AdamW: what remains of the gradient's mean after a step");
  visitor.visit_number("adamw-beta2", adamw.beta2, {0, 0.999999}, "AdamW: what remains of its square's (MAE: 0.95)");
  visitor.visit_number("sgd-momentum", momentum, {0, 1}, "momentum of SGD and LARS");
  visitor.visit_number("trust", trust, Range::at_least(0), "trust coefficient of LARS");
}

Optimizer::Optimizer(const OptimizerOptions& options, ParameterArena& arena, ParameterRules rules, const Traits& traits)
    : options_(options),
      arena_(arena),
      ask_rule_(rules ? std::move(rules) : [](const std::string&, const Shape&) { return ParameterRule{}; }),
      rules_(arena.segments().size()),
      skipped_(arena.segments().size()) {
  checked(options);
  if (traits.exempt_vectors || options.decay_scope == "weights") ask_rule_ = exempt_vectors(std::move(ask_rule_));
  const TagScope tag(MemoryTag::optimizer);
  const Device device = arena.values().device();
  pieces_ = pieces_of(arena);
  for (size_t i = 0; i < traits.moments; ++i) moments_.push_back(Tensor::zeros_like(arena.values()));
  rule_table_ = make_rules(std::vector<RuleRow>(rules_.size()), device);
  for (DeviceNumber* number : {&step_, &lr_, &peak_lr_, &weight_decay_}) *number = DeviceNumber(device);
}

void Optimizer::step(double lr, const Number& gradient_scale, const Follower& follower) {
  step(constant_rates(lr), gradient_scale, follower);
}

void Optimizer::step(const StepRates& rates, const Number& gradient_scale, const Follower& follower) {
  begin_step(rates);
  update(gradient_scale, follower);
}

void Optimizer::begin_step(const StepRates& rates) {
  ++steps_;
  step_.set(static_cast<double>(steps_));
  lr_.set(rates.lr);
  peak_lr_.set(rates.peak_lr);
  weight_decay_.set(rates.weight_decay);
  const auto& segments = arena_.segments();
  for (size_t i = 0; i < segments.size(); ++i) {
    const ParameterRule rule = ask_rule_(segments[i].name, segments[i].shape);
    if (rule != std::exchange(rules_[i], rule)) table_is_current_ = false;
  }
  // A frozen parameter's count is not read; it is uploaded with the rule that unfreezes it.
  if (!table_is_current_) upload_rules();
  for (size_t i = 0; i < rules_.size(); ++i) skipped_[i] += rules_[i].frozen ? 1 : 0;
}

void Optimizer::upload_rules() {
  std::vector<RuleRow> rows;
  for (size_t i = 0; i < rules_.size(); ++i) rows.push_back(row_of(rules_[i], skipped_[i], arena_.segments()[i].name));
  rule_table_.copy_from(make_rules(rows));
  table_is_current_ = true;
}

void Optimizer::update(const Number& gradient_scale, const Follower& follower) const {
  ops::Followers followers{.copy = arena_.converted().tensor()};
  if (follower.arena)
    followers.average = follower.arena->values(), followers.average_copy = follower.arena->converted().tensor(),
    followers.momentum = follower.momentum;
  apply(gradient_scale, followers);
  arena_.converted().mark_current();
  if (follower.arena) follower.arena->converted().mark_current();
}

NamedTensors Optimizer::state() const {
  NamedTensors state{{steps_name, Tensor::full({}, static_cast<double>(steps_), DType::i64)}};
  for (size_t i = 0; i < moments_.size(); ++i) state.emplace_back(moment_names[i], moments_[i]);
  // Only if a parameter was ever frozen: other checkpoints stay as they were before freezing existed.
  if (std::any_of(skipped_.begin(), skipped_.end(), [](int64_t count) { return count > 0; }))
    state.emplace_back(skipped_name, Tensor::from({static_cast<int64_t>(skipped_.size())}, skipped_));
  return state;
}

void Optimizer::load_state(const SafetensorsReader& file) {
  const auto check = [&](const char* name, const Shape& shape) {
    require(file.contains(name), "{}: no {} in it; it was not written by the optimizer {}", file.path().string(), name,
            options_.kind);
    require(file.find(name).shape == shape, "{}: {} is {}, not {}; it belongs to another network", file.path().string(),
            name, file.find(name).shape, shape);
  };
  // All shapes before anything is read or changed.
  check(steps_name, {});
  for (size_t i = 0; i < moments_.size(); ++i) check(moment_names[i], moments_[i].shape());
  const bool was_frozen = file.contains(skipped_name);
  if (was_frozen) check(skipped_name, {static_cast<int64_t>(skipped_.size())});
  for (size_t i = moments_.size(); i < std::size(moment_names); ++i)
    require(!file.contains(moment_names[i]), "{}: there is {} in it; it was not written by the optimizer {}",
            file.path().string(), moment_names[i], options_.kind);
  const Tensor steps = file.read(steps_name);
  for (size_t i = 0; i < moments_.size(); ++i) moments_[i].copy_from(file.read(moment_names[i]));
  std::fill(skipped_.begin(), skipped_.end(), 0);
  if (was_frozen) {
    const Tensor skipped = file.read(skipped_name);
    std::copy_n(skipped.data<int64_t>(), skipped_.size(), skipped_.begin());
  }
  steps_ = *steps.data<int64_t>();
  table_is_current_ = false;
}

}  // namespace minissl
