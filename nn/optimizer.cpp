#include "nn/optimizer.h"

#include "tensor/ops/update.h"

namespace minissl {

Optimizer::Optimizer(const OptimizerOptions& options, ParameterArena& arena) : options_(options), arena_(arena) {
  require(options.kind == "adamw" || options.kind == "sgd" || options.kind == "lars",
          "--optimizer {} is not known; there are adamw, sgd and lars", options.kind);
  require(options.decay_scope == "all" || options.decay_scope == "weights",
          "--decay-scope {} is not known; there are all and weights", options.decay_scope);
  const bool layer_by_layer = options.kind == "lars", one_pass = !layer_by_layer && options.decay_scope == "all";
  const auto& segments = arena.segments();
  for (size_t i = 0; i < segments.size(); ++i) {
    const int64_t end = i + 1 < segments.size() ? segments[i + 1].offset : arena.values().numel();
    const bool weights = segments[i].shape.rank() > 1;
    // Padding is zero and stays so, whatever its neighbours do with it.
    if (i > 0 && (one_pass || (!layer_by_layer && parts_.back().weights == weights)))
      parts_.back().end = end;
    else
      parts_.push_back({segments[i].offset, end, weights});
  }
  const TagScope tag(MemoryTag::optimizer);
  first_ = Tensor::zeros_like(arena.values());
  if (options.kind == "adamw") second_ = Tensor::zeros_like(arena.values());
  step_ = Tensor::zeros({1}, DType::f64, arena.values().device());
  lr_ = Tensor::zeros_like(step_);
}

void Optimizer::step(double lr, const Number& gradient_scale) {
  begin_step(lr);
  update(gradient_scale);
}

void Optimizer::begin_step(double lr) {
  ++steps_;
  step_.fill(static_cast<double>(steps_));
  lr_.fill(lr);
}

void Optimizer::update(const Number& gradient_scale) const {
  for (const Part& part : parts_) update(part, gradient_scale);
}

void Optimizer::update(const Part& part, const Number& gradient_scale) const {
  const auto of = [&](const Tensor& arena) { return arena.slice(part.begin, {part.end - part.begin}); };
  const bool exempt = !part.weights && (options_.kind == "lars" || options_.decay_scope == "weights");
  const double weight_decay = exempt ? 0 : options_.weight_decay;
  if (options_.kind == "adamw")
    run(ops::AdamW{.value = of(arena_.values()),
                   .gradient = of(arena_.gradients()),
                   .m = of(first_),
                   .v = of(second_),
                   .step = step_,
                   .lr = lr_,
                   .gradient_scale = gradient_scale,
                   .weight_decay = weight_decay});
  else if (options_.kind == "sgd")
    run(ops::Sgd{.value = of(arena_.values()),
                 .gradient = of(arena_.gradients()),
                 .buffer = of(first_),
                 .step = step_,
                 .lr = lr_,
                 .gradient_scale = gradient_scale,
                 .weight_decay = weight_decay,
                 .momentum = options_.momentum});
  else
    run(ops::Lars{.value = of(arena_.values()),
                  .gradient = of(arena_.gradients()),
                  .buffer = of(first_),
                  .lr = lr_,
                  .gradient_scale = gradient_scale,
                  .weight_decay = weight_decay,
                  .momentum = options_.momentum,
                  .trust = options_.trust,
                  .adapted = part.weights});
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
