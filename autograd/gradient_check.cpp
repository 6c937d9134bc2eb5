#include "autograd/gradient_check.h"

#include <algorithm>
#include <cmath>

#include "tensor/random.h"

namespace minissl {

GradientCheck gradient_check(const std::function<Variable(const std::vector<Variable>&)>& f,
                             const std::vector<Tensor>& inputs, const std::vector<bool>& differentiable, double step) {
  std::vector<Variable> leaves;
  for (size_t i = 0; i < inputs.size(); ++i) {
    require(!differentiable[i] || inputs[i].dtype() == DType::f64, "gradient_check needs f64 inputs, not {}",
            inputs[i]);
    leaves.push_back(differentiable[i] ? Variable::leaf(inputs[i].clone()) : Variable(inputs[i].clone()));
  }
  const Variable out = f(leaves);
  const Tensor cotangent = Tensor::empty(out.shape(), DType::f64);
  const Random random(0, RandomSite::test);
  for (int64_t i = 0; i < cotangent.numel(); ++i)
    cotangent.mutable_data<double>()[i] = random.uniform(static_cast<uint32_t>(i), -1, 1);
  backward(out, cotangent);

  const auto objective = [&] {
    const NoGradScope no_grad_scope;
    const Tensor y = f(leaves).value();
    double sum = 0;
    for (int64_t i = 0; i < y.numel(); ++i) sum += y.at(i) * cotangent.at(i);
    return sum;
  };
  GradientCheck result;
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (!differentiable[i]) continue;
    require(leaves[i].grad().defined(), "gradient_check: no gradient reached input {}", i);
    for (int64_t e = 0; e < inputs[i].numel(); ++e) {
      const auto at = [&](double offset) {
        leaves[i].value().mutable_data<double>()[e] = inputs[i].at(e) + offset;
        return objective();
      };
      const double numeric = (at(step) - at(-step)) / (2 * step), analytic = leaves[i].grad().at(e);
      at(0);
      // Negated so that a NaN counts as the worst.
      const double error = std::abs(analytic - numeric) / std::max(1.0, std::abs(numeric));
      if (!(error <= result.worst)) {
        result.worst = std::isnan(error) ? INFINITY : error;
        result.where = fmt::format("input {}, element {}: analytic {}, numeric {}", i, e, analytic, numeric);
      }
      ++result.compared;
    }
  }
  return result;
}

}  // namespace minissl
