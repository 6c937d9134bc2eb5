#include "tensor/ops/lars.h"

#include "nn/optimizers/registry.h"

namespace minissl {
namespace {

class Lars final : public Optimizer {
 public:
  Lars(const OptimizerOptions& options, ParameterArena& arena, ParameterRules rules)
      : Optimizer(options, arena, std::move(rules), {.moments = 1, .exempt_vectors = true}) {}

 private:
  void apply(const Number& gradient_scale, const ops::Followers& followers) const override {
    auto op = prepared<ops::Lars>(gradient_scale, followers);
    op.buffer = moment(0);
    op.momentum = options().momentum, op.trust = options().trust;
    run(op);
  }
};

}  // namespace

std::unique_ptr<Optimizer> make_lars(const OptimizerOptions& options, ParameterArena& arena, ParameterRules rules) {
  return std::make_unique<Lars>(options, arena, std::move(rules));
}

}  // namespace minissl
