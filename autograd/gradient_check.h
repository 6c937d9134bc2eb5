#pragma once
#include "autograd/variable.h"

namespace minissl {

/// The result of a gradient check. Errors are |analytic - numeric| / max(1, |numeric|).
struct GradientCheck {
  double worst = 0;      ///< over all compared elements
  std::string where;     ///< "input 1, element 17: analytic 0.5, numeric 0.25"
  int64_t compared = 0;  ///< elements
};

/// Compares backward() through `f` with central differences, in float64. `f` maps leaves holding `inputs` to a tensor
/// of any shape; a fixed random combination of its elements is differentiated. `f` must be deterministic and smooth
/// within `step` of the inputs. `differentiable[i]` says whether input i is perturbed.
GradientCheck gradient_check(const std::function<Variable(const std::vector<Variable>&)>& f,
                             const std::vector<Tensor>& inputs, const std::vector<bool>& differentiable,
                             double step = 1e-6);

}  // namespace minissl
