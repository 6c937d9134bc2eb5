#include "tensor/ops/normal_functions.h"

#include <algorithm>
#include <gtest/gtest.h>

/// How far the arithmetic in float is from the library's functions in double.
namespace minissl::ops {
namespace {

// f(x) on float numbers from -12 to 12; `f` gets x as a double, too.
template <class F>
double worst_of(F f) {
  double worst = 0;
  for (int i = -120000; i <= 120000; ++i) {
    const float x = static_cast<float>(i) / 10000;
    worst = std::max(worst, f(x, static_cast<double>(x)));
  }
  return worst;
}

TEST(NormalFunctions, ExponentialIsRightToTwoUnitsInTheLastPlace) {
  const double worst = worst_of([](float x, double exact) {
    return std::max(std::abs(static_cast<double>(fast_exp(x)) / std::exp(exact) - 1),
                    std::abs(static_cast<double>(fast_exp(7 * x)) / std::exp(static_cast<double>(7 * x)) - 1));
  });
  RecordProperty("relative_error", std::to_string(worst * 0x1p24) + " * 2^-24");
  EXPECT_LE(worst, 2 * 0x1p-23);
}

TEST(NormalFunctions, ExponentialHasLimits) {
  EXPECT_EQ(fast_exp(-88.0F), 0);
  EXPECT_EQ(fast_exp(-HUGE_VALF), 0);
  EXPECT_EQ(fast_exp(89.0F), HUGE_VALF);
  EXPECT_EQ(fast_exp(0.0F), 1);
  EXPECT_TRUE(std::isnan(fast_exp(NAN)));
}

// erf's error is twice this.
TEST(NormalFunctions, ProbabilityIsRoundedToFloat) {
  const double worst = worst_of([](float x, double exact) {
    return std::abs(static_cast<double>(standard_normal(x).below) - standard_normal(exact).below);
  });
  RecordProperty("absolute_error", std::to_string(worst * 0x1p24) + " * 2^-24");
  EXPECT_LE(worst, 2 * 0x1p-24);
}

TEST(NormalFunctions, TailKeepsItsDigits) {
  double worst = 0;
  for (int i = 0; i <= 50000; ++i) {
    const float x = -static_cast<float>(i) / 10000;
    const double exact = standard_normal(static_cast<double>(x)).below;
    worst = std::max(worst, std::abs(static_cast<double>(standard_normal(x).below) / exact - 1));
  }
  RecordProperty("relative_error", std::to_string(worst * 0x1p24) + " * 2^-24");
  // At -5 the polynomial, 0.08, is a sum of terms up to 1.2, whose roundings are 16 of its own; and the rounding of
  // x^2 / 2, up to 12.5, is an absolute error of the exponent, 8.
  EXPECT_LE(worst, 26 * 0x1p-24);
}

TEST(NormalFunctions, DensityIsRight) {
  const double worst = worst_of([](float x, double exact) {
    return std::abs(static_cast<double>(standard_normal(x).density) - standard_normal(exact).density);
  });
  EXPECT_LE(worst, 2 * 0x1p-24);
}

TEST(NormalFunctions, LimitsAreExact) {
  EXPECT_EQ(standard_normal(HUGE_VALF).below, 1);
  EXPECT_EQ(standard_normal(-HUGE_VALF).below, 0);
  EXPECT_EQ(standard_normal(HUGE_VALF).density, 0);
  EXPECT_TRUE(std::isnan(standard_normal(NAN).below));
}

}  // namespace
}  // namespace minissl::ops
