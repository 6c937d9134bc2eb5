#pragma once
#include "tensor/ops/exp_functions.h"

namespace minissl::ops {

/// The standard normal distribution at x.
template <class T>
struct Normal {
  T below;    ///< the probability of less than x, (1 + erf(x / sqrt(2))) / 2
  T density;  ///< exp(-x^2 / 2) / sqrt(2 pi)
};

/// For float it is arithmetic alone, like fast_exp. The probability of less than -|x| is exp(-x^2 / 2) times a
/// polynomial in u = 1 - 1 / (1 + 0.33 |x|): the form of Hastings (1955; Abramowitz and Stegun, 7.1.26), here of degree
/// 9, fitted for the least relative error, 5e-9, on |x| <= 10, and exactly 1/2 at 0. The tail below 0 is computed as it
/// is, not as the difference of two numbers near 1, so that it keeps its digits, and one exponential serves both
/// results. `below` is off by 2^-23 at most, which is erf's by 2^-22.
MINISSL_HD inline Normal<float> standard_normal(float x) {
  constexpr float bound = 20;  // where the tail is 0: u of infinity would be NaN
  const float size = std::fabs(x), slope = 0.33F * (size > bound ? bound : size), u = slope / (1 + slope);
  const float e = fast_exp(-0.5F * x * x);
  float tail = 0.0271752522F;
  tail = tail * u - 0.0893144997F;
  tail = tail * u + 0.0733029381F;
  tail = tail * u + 0.0150265808F;
  tail = tail * u + 0.0690797496F;
  tail = tail * u - 0.155467213F;
  tail = tail * u - 0.317629002F;
  tail = tail * u + 1.08675038F;
  tail = tail * u - 1.20891564F;
  tail = (tail * u + 0.5F) * e;
  return {x < 0 ? tail : 1 - tail, 0.398942280F * e};
}

MINISSL_HD inline Normal<double> standard_normal(double x) {
  constexpr double sqrt_half = 0.70710678118654752440, density_at_0 = 0.39894228040143267794;
  return {0.5 * std::erfc(-sqrt_half * x), density_at_0 * std::exp(-0.5 * x * x)};
}

}  // namespace minissl::ops
