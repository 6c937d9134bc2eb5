#include "nn/optimizer.h"

#include <algorithm>

#include "tensor/ops/update.h"

namespace minissl {

Optimizer::Optimizer(const OptimizerOptions& options, ParameterArena& arena) : options_(options), arena_(arena) {
  require(options.kind == "adamw" || options.kind == "sgd", "--optimizer {} is not known; there are adamw and sgd",
          options.kind);
  const TagScope tag(MemoryTag::optimizer);
  first_ = Tensor::zeros_like(arena.values());
  if (options.kind == "adamw") second_ = Tensor::zeros_like(arena.values());
}

void Optimizer::step(double lr, double gradient_scale) {
  ++steps_;
  if (options_.kind == "adamw")
    run(ops::AdamW{.value = arena_.values(),
                   .gradient = arena_.gradients(),
                   .m = first_,
                   .v = second_,
                   .step = steps_,
                   .lr = lr,
                   .weight_decay = options_.weight_decay,
                   .gradient_scale = gradient_scale});
  else
    run(ops::Sgd{.value = arena_.values(),
                 .gradient = arena_.gradients(),
                 .buffer = first_,
                 .step = steps_,
                 .lr = lr,
                 .weight_decay = options_.weight_decay,
                 .momentum = options_.momentum,
                 .gradient_scale = gradient_scale});
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

double clip_factor(double norm, double clip_norm) {
  return clip_norm > 0 ? std::min(1.0, clip_norm / (norm + 1e-6)) : 1.0;
}

}  // namespace minissl
