#include "tensor/ops/adamw.h"

#include "nn/optimizers/registry.h"

namespace minissl {
namespace {

class AdamW final : public Optimizer {
 public:
  AdamW(const OptimizerOptions& options, ParameterArena& arena, ParameterRules rules)
      : Optimizer(options, arena, std::move(rules), {.moments = 2}) {}

 private:
  void apply(const Number& gradient_scale, const ops::Followers& followers) const override {
    auto op = prepared<ops::AdamW>(gradient_scale, followers);
    op.m = moment(0), op.v = moment(1);
    const auto& [beta1, beta2, epsilon] = options().adamw;
    op.beta1 = beta1, op.beta2 = beta2, op.eps = epsilon;
    run(op);
  }
};

}  // namespace

std::unique_ptr<Optimizer> make_adamw(const OptimizerOptions& options, ParameterArena& arena, ParameterRules rules) {
  return std::make_unique<AdamW>(options, arena, std::move(rules));
}

}  // namespace minissl
