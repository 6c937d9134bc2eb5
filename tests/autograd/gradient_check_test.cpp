#include "autograd/gradient_check.h"

#include <cmath>
#include <gtest/gtest.h>

#include "autograd/functions.h"
#include "tests/autograd/leaf.h"

namespace minissl {
namespace {

// x^2 with a derivative of factor * x.
Variable square_with(const Variable& x, double factor) {
  return record("doubtful", {x}, no_grad([&] { return square(x).value(); }), {x.value()},
                [factor](const Tensor& dy, const BackwardContext& context) -> std::vector<Tensor> {
                  return {(affine(context.saved(0), factor, 0) * Variable(dy)).value()};
                });
}

GradientCheck check(double factor, const std::vector<double>& at) {
  return gradient_check([factor](const std::vector<Variable>& in) { return square_with(in[0], factor); },
                        {numbers({static_cast<int64_t>(at.size())}, at)}, {true});
}

TEST(GradientCheckItself, PassesARightDerivative) {
  const GradientCheck result = check(2, {1, -3, 0.5});
  EXPECT_LT(result.worst, 1e-9);
  EXPECT_EQ(result.compared, 3);
}

TEST(GradientCheckItself, FindsAWrongDerivative) {
  const GradientCheck result = check(2.001, {1, -3, 0.5});
  EXPECT_GT(result.worst, 1e-5);
  EXPECT_NE(result.where.find("input 0, element"), std::string::npos) << result.where;
}

TEST(GradientCheckItself, FindsOneWrongElement) {
  const auto f = [](const std::vector<Variable>& in) {
    return record("careless", {in[0]}, in[0].value().clone(), {},
                  [](const Tensor& dy, const BackwardContext&) -> std::vector<Tensor> {
                    const Tensor dx = dy.clone();
                    dx.mutable_data<double>()[2] = 0;
                    return {dx};
                  });
  };
  const GradientCheck result = gradient_check(f, {numbers({4}, {1, 2, 3, 4})}, {true});
  EXPECT_GT(result.worst, 1e-3);
  EXPECT_NE(result.where.find("input 0, element 2"), std::string::npos) << result.where;
}

TEST(GradientCheckItself, FindsATransposedGradient) {
  const auto f = [](const std::vector<Variable>& in) {
    return record("mirrored", {in[0]}, in[0].value().clone(), {},
                  [](const Tensor& dy, const BackwardContext&) -> std::vector<Tensor> {
                    const Tensor dx = Tensor::empty_like(dy);
                    for (int64_t i = 0; i < 4; ++i) dx.mutable_data<double>()[i] = dy.at((i % 2) * 2 + i / 2);
                    return {dx};
                  });
  };
  EXPECT_GT(gradient_check(f, {numbers({2, 2}, {1, 2, 3, 4})}, {true}).worst, 1e-3);
}

TEST(GradientCheckItself, FindsNaN) {
  EXPECT_EQ(check(NAN, {1, -3, 0.5}).worst, INFINITY);
  EXPECT_EQ(check(2, {1, NAN, 0.5}).worst, INFINITY);
}

TEST(GradientCheckItself, PerturbsOnlyWhatIsDifferentiable) {
  const auto f = [](const std::vector<Variable>& in) { return in[0] * in[1]; };
  const GradientCheck result = gradient_check(f, {numbers({2}, {1, 2}), numbers({2}, {3, 4})}, {false, true});
  EXPECT_LT(result.worst, 1e-9);
  EXPECT_EQ(result.compared, 2);
}

TEST(GradientCheckItself, LeavesItsInputsAlone) {
  const Tensor x = numbers({2}, {1, 2});
  gradient_check([](const std::vector<Variable>& in) { return square(in[0]); }, {x}, {true});
  EXPECT_EQ(x.to_vector(), (std::vector<double>{1, 2}));
}

TEST(GradientCheckItself, NeedsFloat64AndAGradient) {
  const auto f = [](const std::vector<Variable>& in) { return square(in[0]); };
  EXPECT_THROW(gradient_check(f, {Tensor::zeros({2})}, {true}), Error);
  const auto cut = [](const std::vector<Variable>& in) { return square(detach(in[0])) + square(in[1]); };
  EXPECT_THROW(gradient_check(cut, {numbers({1}, {1}), numbers({1}, {1})}, {true, true}), Error);
}

}  // namespace
}  // namespace minissl
