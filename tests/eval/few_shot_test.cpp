#include "eval/few_shot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ssl/random_tensor.h"

namespace minissl {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

// Three classes, each a cloud around its own point; `distance` sets how far apart the points are.
LabelledFeatures clouds(int64_t of_class, float distance) {
  LabelledFeatures features{random_tensor({3 * of_class, 8}, 1), {}, random_tensor({90, 8}, 2), {}, 3};
  const auto move = [&](const Tensor& x, std::vector<int64_t>& labels) {
    for (int64_t i = 0; i < x.dim(0); ++i) {
      labels.push_back(i % 3);
      x.mutable_data<float>()[8 * i + i % 3] += distance;
    }
  };
  move(features.train, features.train_labels);
  move(features.test, features.test_labels);
  return features;
}
const std::vector<std::string> names = {"a", "b", "c"};

TEST(StudentT95, AgreesWithTheTables) {
  EXPECT_NEAR(student_t95(1), 12.7062, 1e-3);
  EXPECT_NEAR(student_t95(2), 4.30265, 1e-4);
  EXPECT_NEAR(student_t95(9), 2.26216, 1e-4);
  EXPECT_NEAR(student_t95(1000), 1.96234, 1e-4);
}

TEST(FewShot, MoreShotsAreMoreAccurate) {
  const auto auc = few_shot_auc(clouds(50, 3), {.shots = {1, 5, 40}, .repeats = 20});
  ASSERT_EQ(auc.size(), 3U);
  for (const auto& of_shots : auc) {
    ASSERT_EQ(of_shots.size(), 3U);
    EXPECT_LT(of_shots[0].mean + 0.02, of_shots[1].mean);
    EXPECT_LT(of_shots[1].mean, of_shots[2].mean);
    EXPECT_GT(of_shots[2].mean, 0.95);
    EXPECT_GT(*of_shots[0].half_width, *of_shots[2].half_width);  // draws differ less with more shots
  }
}

TEST(FewShot, FeaturesThatSayNothingAreAtChance) {
  for (const auto& of_shots : few_shot_auc(clouds(50, 0), {.shots = {20}, .repeats = 20}))
    EXPECT_NEAR(of_shots[0].mean, 0.5, 0.1);
}

TEST(FewShot, TheSeedDecidesTheDraw) {
  const LabelledFeatures features = clouds(50, 1);
  const auto mean = [&](uint64_t seed) { return few_shot_auc(features, {{2}, 3, 1, seed})[0][0].mean; };
  EXPECT_EQ(mean(0), mean(0));
  EXPECT_NE(mean(0), mean(1));
}

TEST(FewShot, ASingleDrawHasNoInterval) {
  EXPECT_FALSE(few_shot_auc(clouds(5, 1), {.shots = {5}, .repeats = 1})[0][0].half_width);
}

TEST(FewShot, TooFewImagesAreReportedWithTheirClass) {
  const LabelledFeatures five = clouds(5, 1);
  const auto require_of = [&](const std::vector<int64_t>& shots) {
    require_shots(five.train_labels, five.test_labels, names, shots);
  };
  EXPECT_NO_THROW(require_of({1, 5}));
  EXPECT_THAT([&] { require_of({1, 6}); }, ThrowsMessage<Error>(HasSubstr("`shots` 6: there are 5 images of a")));
  EXPECT_THAT(
      [&] {
        require_shots(five.train_labels, {0, 0}, names, {1});
      },
      ThrowsMessage<Error>(HasSubstr("an AUC needs test images of a and of other classes")));
  EXPECT_THROW(few_shot_auc(five, {.shots = {0}}), Error);
  EXPECT_THROW(few_shot_auc(five, {.shots = {1}, .repeats = 0}), Error);
}

// Images may turn out to be unreadable after a long embedding, which must not be lost.
TEST(FewShot, AClassWithTooFewImagesHasNoFigureAndTheOthersDo) {
  LabelledFeatures features = clouds(6, 1);
  const auto auc = few_shot_auc(features, {.shots = {2, 7}, .repeats = 3});
  for (const auto& of_shots : auc) {
    EXPECT_TRUE(std::isfinite(of_shots[0].mean));
    EXPECT_TRUE(std::isnan(of_shots[1].mean));
  }
  for (int64_t& label : features.test_labels) label = std::min<int64_t>(label, 1);  // no test image of class c
  const auto without = few_shot_auc(features, {.shots = {2}, .repeats = 3});
  EXPECT_TRUE(std::isfinite(without[0][0].mean));
  EXPECT_TRUE(std::isnan(without[2][0].mean));
}

}  // namespace
}  // namespace minissl
