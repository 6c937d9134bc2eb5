#include "ssl/losses.h"

#include <gtest/gtest.h>

#include "autograd/gradient_check.h"
#include "tests/ssl/random_tensor.h"

namespace minissl {
namespace {

TEST(Losses, InfoNceByItsFormula) {
  const Tensor l_pos = Tensor::from<double>({2, 1}, std::vector<double>{0.9, 0.1});
  const Tensor l_neg = Tensor::from<double>({2, 2}, std::vector<double>{0.2, -0.3, 0.5, 0.4});
  const InfoNce result = info_nce(l_pos, l_neg, 0.2);
  double expected = 0;
  for (int64_t i = 0; i < 2; ++i) {
    const double positive = std::exp(l_pos.at(i) / 0.2);
    expected -=
        std::log(positive / (positive + std::exp(l_neg.at(2 * i) / 0.2) + std::exp(l_neg.at(2 * i + 1) / 0.2))) / 2;
  }
  EXPECT_NEAR(result.loss.value().item(), expected, 1e-12);
  EXPECT_EQ(result.logits.shape(), (Shape{2, 3}));
  EXPECT_NEAR(result.logits.value().at(0), 4.5, 1e-12);
}

TEST(Losses, VarianceIsZeroWhereTheStdIsLargeEnough) {
  const Tensor wide = Tensor::from<double>({2, 2}, std::vector<double>{-5, 0, 5, 0});
  // Column 0 has std 7.07, column 1 none: its hinge is gamma - sqrt(eps) = 0.99.
  EXPECT_NEAR(variance_loss(wide).value().item(), 0.99 / 2, 1e-12);
}

TEST(Losses, GradientOfInfoNce) {
  const GradientCheck check =
      gradient_check([](const std::vector<Variable>& v) { return info_nce(v[0], v[1], 0.3).loss; },
                     {random_tensor({3, 1}, 1, DType::f64), random_tensor({3, 5}, 2, DType::f64)}, {true, true});
  EXPECT_LT(check.worst, 1e-8) << check.where;
  EXPECT_EQ(check.compared, 18);
}

TEST(Losses, GradientOfVariance) {
  const Tensor z = random_tensor({6, 4}, 3, DType::f64);
  for (int64_t i = 0; i < z.numel(); ++i) z.mutable_data<double>()[i] *= 0.3;  // below gamma: the hinge is open
  const GradientCheck check =
      gradient_check([](const std::vector<Variable>& v) { return variance_loss(v[0]); }, {z}, {true});
  EXPECT_LT(check.worst, 1e-8) << check.where;
}

}  // namespace
}  // namespace minissl
