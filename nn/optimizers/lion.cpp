#include "tensor/ops/lion.h"

#include "nn/optimizers/registry.h"

namespace minissl {
namespace {

class Lion final : public Optimizer {
 public:
  Lion(const OptimizerOptions& options, ParameterArena& arena, ParameterRules rules)
      : Optimizer(options, arena, std::move(rules), {.moments = 1}) {}

 private:
  void apply(const Number& gradient_scale, const ops::Followers& followers) const override {
    auto op = prepared<ops::Lion>(gradient_scale, followers);
    op.m = moment(0);
    op.beta1 = options().lion.beta1, op.beta2 = options().lion.beta2;
    run(op);
  }
};

}  // namespace

std::unique_ptr<Optimizer> make_lion(const OptimizerOptions& options, ParameterArena& arena, ParameterRules rules) {
  return std::make_unique<Lion>(options, arena, std::move(rules));
}

}  // namespace minissl
