#include "nn/optimizer.h"

#include "tensor/ops/update.h"

namespace minissl {

Optimizer::Optimizer(const OptimizerOptions& options, ParameterArena& arena) : options_(options), arena_(arena) {
  require(options.kind == "adamw" || options.kind == "sgd" || options.kind == "lars",
          "--optimizer {} is not known; there are adamw, sgd and lars", options.kind);
  require(options.decay_scope == "all" || options.decay_scope == "weights",
          "--decay-scope {} is not known; there are all and weights", options.decay_scope);
  const bool exempt_vectors = options.kind == "lars" || options.decay_scope == "weights";
  std::vector<ParameterRange> parameters;
  const auto& segments = arena.segments();
  for (size_t i = 0; i < segments.size(); ++i) {
    // Padding is zero and stays so, whatever its neighbours do with it.
    const int64_t end = i + 1 < segments.size() ? segments[i + 1].offset : arena.values().numel();
    parameters.push_back({segments[i].offset, end, exempt_vectors && segments[i].shape.rank() < 2});
  }
  const TagScope tag(MemoryTag::optimizer);
  pieces_ = make_pieces(parameters, arena.values().device());
  first_ = Tensor::zeros_like(arena.values());
  if (options.kind == "adamw") second_ = Tensor::zeros_like(arena.values());
  step_ = Tensor::zeros({1}, DType::f64, arena.values().device());
  lr_ = Tensor::zeros_like(step_);
}

void Optimizer::step(double lr, const Number& gradient_scale, const Follower& follower) {
  begin_step(lr);
  update(gradient_scale, follower);
}

void Optimizer::begin_step(double lr) {
  ++steps_;
  step_.fill(static_cast<double>(steps_));
  lr_.fill(lr);
}

void Optimizer::update(const Number& gradient_scale, const Follower& follower) const {
  ops::Followers followers{.copy = arena_.converted().tensor()};
  if (follower.arena)
    followers.average = follower.arena->values(), followers.average_copy = follower.arena->converted().tensor(),
    followers.momentum = follower.momentum;
  if (options_.kind == "adamw")
    run(ops::AdamW{.value = arena_.values(),
                   .gradient = arena_.gradients(),
                   .m = first_,
                   .v = second_,
                   .pieces = pieces_,
                   .step = step_,
                   .lr = lr_,
                   .gradient_scale = gradient_scale,
                   .weight_decay = options_.weight_decay,
                   .followers = followers});
  else if (options_.kind == "sgd")
    run(ops::Sgd{.value = arena_.values(),
                 .gradient = arena_.gradients(),
                 .buffer = first_,
                 .pieces = pieces_,
                 .step = step_,
                 .lr = lr_,
                 .gradient_scale = gradient_scale,
                 .weight_decay = options_.weight_decay,
                 .momentum = options_.momentum,
                 .followers = followers});
  else
    run(ops::Lars{.value = arena_.values(),
                  .gradient = arena_.gradients(),
                  .buffer = first_,
                  .pieces = pieces_,
                  .lr = lr_,
                  .gradient_scale = gradient_scale,
                  .weight_decay = options_.weight_decay,
                  .momentum = options_.momentum,
                  .trust = options_.trust,
                  .followers = followers});
  arena_.converted().mark_current();
  if (follower.arena) follower.arena->converted().mark_current();
}

NamedTensors Optimizer::state() const {
  NamedTensors state{{"optimizer.steps", Tensor::full({}, static_cast<double>(steps_), DType::i64)},
                     {"optimizer.first", first_}};
  if (second_.defined()) state.emplace_back("optimizer.second", second_);
  return state;
}

void Optimizer::load_state(const SafetensorsReader& file) {
  for (const auto& [name, tensor] : state()) {
    require(file.contains(name), "{}: no {} in it; it was not written by a run with --optimizer {}",
            file.path().string(), name, options_.kind);
    const Tensor stored = file.read(name);
    require(stored.shape() == tensor.shape(), "{}: {} is {}, not {}; it belongs to another network",
            file.path().string(), name, stored.str(), tensor.str());
    if (name == "optimizer.steps")
      steps_ = *stored.data<int64_t>();
    else
      tensor.copy_from(stored);
  }
}

}  // namespace minissl
