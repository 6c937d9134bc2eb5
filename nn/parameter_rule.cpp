#include "nn/parameter_rule.h"

#include <cmath>
#include <utility>

namespace minissl {

ParameterRules exempt_vectors(ParameterRules rules) {
  return [rules = std::move(rules)](const std::string& name, const Shape& shape) {
    ParameterRule rule = rules(name, shape);
    if (shape.rank() < 2) rule.decay = 0, rule.adapted = false;
    return rule;
  };
}

RuleRow row_of(const ParameterRule& rule, int64_t skipped, const std::string& name) {
  for (const double factor : {rule.rate, rule.decay})
    require(std::isfinite(factor) && factor >= 0,
            "the rule of {} has the factor {}; factors on the learning rate and the weight decay are 0 or more", name,
            factor);
  return {.rate = rule.rate,
          .decay = rule.decay,
          .adapted = rule.adapted ? 1.0 : 0.0,
          .constant_rate = rule.constant_rate ? 1.0 : 0.0,
          .frozen = rule.frozen ? 1.0 : 0.0,
          .skipped = static_cast<double>(skipped)};
}

}  // namespace minissl
