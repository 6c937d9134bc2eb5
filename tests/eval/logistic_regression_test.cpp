#include "eval/logistic_regression.h"

#include <cmath>
#include <gtest/gtest.h>

#include "tests/ssl/random_tensor.h"

namespace minissl {
namespace {

std::vector<int64_t> random_labels(int64_t n, int64_t classes) {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < n; ++i)
    labels.push_back(Random(3, RandomSite::test).below(static_cast<uint32_t>(i), static_cast<uint32_t>(classes)));
  return labels;
}

// The loss is convex, so a point with zero gradient is the minimum, however it was found.
TEST(LogisticRegression, TheGradientVanishesAtItsSolution) {
  constexpr int64_t n = 60, d = 7, classes = 4;
  const Tensor x = random_tensor({n, d}, 1);
  const std::vector<int64_t> labels = random_labels(n, classes);
  for (const double l2 : {0.01, 1.0, 100.0}) {
    const LogisticRegression regression(x, labels, classes, l2);
    const Tensor logits = regression.logits(x);
    double gradient[classes][d + 1] = {};
    for (int64_t c = 0; c < classes; ++c)
      for (int64_t j = 0; j < d; ++j) gradient[c][j] = l2 * regression.weight().data<double>()[c * d + j];
    for (int64_t i = 0; i < n; ++i) {
      const double* row = logits.data<double>() + i * classes;
      double sum = 0;
      for (int64_t c = 0; c < classes; ++c) sum += std::exp(row[c]);
      for (int64_t c = 0; c < classes; ++c) {
        const double off = std::exp(row[c]) / sum - (labels[static_cast<size_t>(i)] == c ? 1 : 0);
        for (int64_t j = 0; j < d; ++j) gradient[c][j] += off * x.data<float>()[i * d + j];
        gradient[c][d] += off;
      }
    }
    for (const auto& of_class : gradient)
      for (const double g : of_class) EXPECT_NEAR(g, 0, 3e-4) << "l2 = " << l2;
  }
}

TEST(LogisticRegression, FindsTheClosedFormOfTwoPoints) {
  // At +1 and -1 with one class each, w = W_1 - W_0 satisfies l2 w / 2 = 2 / (1 + exp(w)).
  const LogisticRegression regression(Tensor::from<float>({2, 1}, {1, -1}), {1, 0}, 2, 0.5);
  const double* weight = regression.weight().data<double>();
  const double w = weight[1] - weight[0];
  EXPECT_NEAR(0.25 * w, 2 / (1 + std::exp(w)), 1e-5);
  EXPECT_NEAR(regression.bias().data<double>()[0], 0, 1e-6);
}

TEST(LogisticRegression, APenaltyOfNothingIsAnError) {
  EXPECT_THROW(LogisticRegression(random_tensor({4, 2}, 1), {0, 1, 0, 1}, 2, 0), Error);
}

TEST(Standardize, TakesMeanAndDeviationFromTheReference) {
  const Tensor reference = Tensor::from<float>({2, 3}, {1, 7, 0.1f, 3, 7, 0.1f});
  const Tensor y = standardize(Tensor::from<float>({1, 3}, {4, 8, 0.1f}), reference);
  EXPECT_DOUBLE_EQ(y.data<double>()[0], 2);
  EXPECT_DOUBLE_EQ(y.data<double>()[1], 0);  // no deviation, so no information
  EXPECT_DOUBLE_EQ(y.data<double>()[2], 0);
}

TEST(LinearAccuracy, SeparatesWhatAHyperplaneSeparatesWhateverItsScale) {
  const Tensor train = random_tensor({100, 3}, 1), test = random_tensor({50, 3}, 2);
  const auto labels = [](const Tensor& x) {
    std::vector<int64_t> labels;
    for (int64_t i = 0; i < x.dim(0); ++i) labels.push_back(x.data<float>()[3 * i] > x.data<float>()[3 * i + 1]);
    return labels;
  };
  const LabelledFeatures features{train, labels(train), test, labels(test), 2};
  const Accuracy a = linear_accuracy(features, 0.01);
  EXPECT_GE(a.top1, 0.94);
  EXPECT_GE(a.auc[0], 0.99);
  for (Tensor t : {train, test})
    for (float& v : std::span(t.mutable_data<float>(), static_cast<size_t>(t.numel()))) v *= 1000;
  EXPECT_DOUBLE_EQ(linear_accuracy(features, 0.01).top1, a.top1);
}

// Expected: scikit-learn 1.x, LogisticRegression(C=1) on StandardScaler's features, roc_auc_score of predict_proba, one
// class against the others. Of its decision_function, whose rows have no common zero, they would be 0.7, 0.56, 0.625.
TEST(LinearAccuracy, TheAucIsOfProbabilitiesWhichAreComparableBetweenImages) {
  const auto features = [](int64_t count, int64_t set) {
    Tensor x = Tensor::empty({count, 3});
    for (int64_t i = 0; i < count; ++i)
      for (int64_t j = 0; j < 3; ++j)
        x.mutable_data<float>()[3 * i + j] =
            static_cast<float>((7 * i * i + 13 * i * j + 5 * j + 11 * set) % 17 - 8 + (i % 3 == j ? 3 : 0));
    return x;
  };
  const auto labels = [](int64_t count) {
    std::vector<int64_t> labels;
    for (int64_t i = 0; i < count; ++i) labels.push_back(i % 3);
    return labels;
  };
  const Accuracy a = linear_accuracy({features(24, 1), labels(24), features(30, 2), labels(30), 3}, 1);
  EXPECT_DOUBLE_EQ(a.auc[0], 0.66);
  EXPECT_DOUBLE_EQ(a.auc[1], 0.56);
  EXPECT_DOUBLE_EQ(a.auc[2], 0.615);
  EXPECT_DOUBLE_EQ(a.top1, 13.0 / 30);
}

}  // namespace
}  // namespace minissl
