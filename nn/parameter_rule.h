#pragma once
#include <functional>
#include <string>

#include "tensor/rules.h"

namespace minissl {

/// How the update of one parameter differs from the optimizer's settings.
struct ParameterRule {
  double rate = 1;             ///< factor on the learning rate (layer-wise decay)
  double decay = 1;            ///< factor on the weight decay
  bool adapted = true;         ///< whether LARS adapts its rate
  bool constant_rate = false;  ///< the peak learning rate throughout, ignoring the schedule (SimSiam's predictor)
  bool frozen = false;  ///< not updated: value, moments and its count of updates stay, as PyTorch skips a parameter
                        ///< whose grad is None

  bool operator==(const ParameterRule&) const = default;
};

/// Returns the rule of the parameter with this name and shape.
using ParameterRules = std::function<ParameterRule(const std::string& name, const Shape& shape)>;

/// The same rules, but parameters of fewer than two dimensions, norms and biases, are neither decayed nor adapted.
ParameterRules exempt_vectors(ParameterRules rules);

/// The rule as kernels read it, for a parameter that has skipped this many optimizer steps. Throws Error, naming the
/// parameter, unless both factors are finite and not negative.
RuleRow row_of(const ParameterRule& rule, int64_t skipped, const std::string& name);

}  // namespace minissl
