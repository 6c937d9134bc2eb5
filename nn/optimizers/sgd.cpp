#include "tensor/ops/sgd.h"

#include "nn/optimizers/registry.h"

namespace minissl {
namespace {

class Sgd final : public Optimizer {
 public:
  Sgd(const OptimizerOptions& options, ParameterArena& arena, ParameterRules rules)
      : Optimizer(options, arena, std::move(rules), {.moments = 1}) {}

 private:
  void apply(const Number& gradient_scale, const ops::Followers& followers) const override {
    auto op = prepared<ops::Sgd>(gradient_scale, followers);
    op.buffer = moment(0);
    op.momentum = options().momentum;
    run(op);
  }
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(const OptimizerOptions& options, ParameterArena& arena, ParameterRules rules) {
  return std::make_unique<Sgd>(options, arena, std::move(rules));
}

}  // namespace minissl
