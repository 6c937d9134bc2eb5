#include "eval/multi_label.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eval/few_shot.h"

namespace minissl {
namespace {

// Numbers that NumPy makes as well: the expected values are scikit-learn's of the same data.
std::vector<int64_t> numbers(int64_t count, uint64_t seed) {
  std::vector<int64_t> out;
  uint64_t x = seed;
  for (int64_t i = 0; i < count; ++i) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    out.push_back(static_cast<int64_t>(x >> 33));
  }
  return out;
}

TEST(AucWithInterval, AgreesWithScikitLearnAndDeLongWithManyTies) {
  std::vector<double> scores;
  std::vector<bool> positive;
  for (const int64_t n : numbers(200, 1)) scores.push_back(static_cast<double>(n % 17));
  for (const int64_t n : numbers(200, 2)) positive.push_back(n % 3 == 0);
  const Auc auc = auc_with_interval(scores, positive);
  EXPECT_NEAR(auc.value, 0.5188531029065201, 1e-12);
  ASSERT_TRUE(auc.interval);
  EXPECT_NEAR(auc.interval->low, 0.43464275657095913, 1e-12);
  EXPECT_NEAR(auc.interval->high, 0.6030634492420808, 1e-12);
  EXPECT_EQ(auc.positives, 67);
  EXPECT_EQ(auc.negatives, 133);
}

TEST(AucWithInterval, FewImages) {
  EXPECT_FALSE(auc_with_interval({1, 2, 3}, {false, false, true}).interval);
  const Auc certain = auc_with_interval({1, 2, 3, 4}, {false, false, true, true});
  EXPECT_EQ(certain.value, 1);
  EXPECT_EQ(certain.interval->low, 1);
  EXPECT_TRUE(std::isnan(auc_with_interval({1, 2}, {true, true}).value));
}

constexpr int64_t train_images = 120, test_images = 60, width = 5;

MultiLabelFeatures two_labels() {
  const auto centred = [](int64_t n) { return static_cast<double>(n % 1001) / 500 - 1; };
  const std::vector<int64_t> x = numbers((train_images + test_images) * width, 3),
                             noise = numbers((train_images + test_images) * 2, 4),
                             unknown = numbers(train_images + test_images, 5);
  MultiLabelFeatures features{Tensor::empty({train_images, width}),
                              Tensor::empty({test_images, width}),
                              {{"first", {}, {}}, {"second", {}, {}}}};
  for (int64_t i = 0; i < train_images + test_images; ++i) {
    const bool trains = i < train_images;
    const auto at = [&](int64_t d) { return centred(x[static_cast<size_t>(i * width + d)]); };
    float* row = trains ? features.train.mutable_data<float>() + i * width
                        : features.test.mutable_data<float>() + (i - train_images) * width;
    for (int64_t d = 0; d < width; ++d) row[d] = static_cast<float>(at(d));
    const auto n = static_cast<size_t>(2 * i);
    const auto add = [&](LabelColumn& label, int8_t value) { (trains ? label.train : label.test).push_back(value); };
    add(features.labels[0], at(0) + at(1) + centred(noise[n]) > 0.3);
    const int8_t second = at(2) - at(3) + centred(noise[n + 1]) > 0.8;
    add(features.labels[1], unknown[static_cast<size_t>(i)] % 5 == 0 ? int8_t{-1} : second);
  }
  return features;
}

TEST(MultiLabel, LogisticRegressionOfEachLabelAgreesWithScikitLearn) {
  const std::vector<LabelAuc> aucs = linear_auc(two_labels(), 2);
  ASSERT_EQ(aucs.size(), 2U);
  EXPECT_NEAR(aucs[0].auc.value, 0.9318448883666275, 1e-12);
  EXPECT_EQ(aucs[0].auc.positives, 23);
  EXPECT_EQ(aucs[0].auc.negatives, 37);
  EXPECT_NEAR(aucs[1].auc.value, 0.984375, 1e-12) << "images for which it isn't known take no part";
  EXPECT_EQ(aucs[1].auc.positives + aucs[1].auc.negatives, 48);
  EXPECT_NEAR(mean_auc(aucs), (0.9318448883666275 + 0.984375) / 2, 1e-12);
}

TEST(MultiLabel, NeighboursOfEachLabelAgreeWithNumPy) {
  const std::vector<LabelAuc> aucs = knn_auc(two_labels(), {.k = 15, .temperature = 0.1});
  EXPECT_NEAR(aucs[0].auc.value, 0.9236192714453584, 1e-12);
  EXPECT_NEAR(aucs[1].auc.value, 0.925, 1e-12);
  // All known, the other order of the same search.
  MultiLabelFeatures first = two_labels();
  first.labels.pop_back();
  EXPECT_NEAR(knn_auc(first, {.k = 15, .temperature = 0.1})[0].auc.value, 0.9236192714453584, 1e-12);
}

TEST(MultiLabel, ALabelOfOneKindHasNoFigureAndIsLeftOutOfTheMean) {
  MultiLabelFeatures features = two_labels();
  features.labels[1].test.assign(test_images, 0);
  for (const auto& aucs : {linear_auc(features, 2), knn_auc(features, {.k = 15})}) {
    EXPECT_TRUE(aucs[0].why_none.empty());
    EXPECT_EQ(aucs[1].why_none, "0 images with it and 60 without it to test on");
    EXPECT_EQ(mean_auc(aucs), aucs[0].auc.value);
  }
  features.labels[1].train.assign(train_images, -1);
  EXPECT_EQ(linear_auc(features, 2)[1].why_none, "0 images with it and 0 without it to learn from");
}

TEST(MultiLabel, FewShots) {
  const auto aucs = few_shot_auc(two_labels(), {.shots = {2, 20}, .repeats = 5});
  ASSERT_EQ(aucs.size(), 2U);
  EXPECT_GT(aucs[0][1].mean, 0.8);
  EXPECT_TRUE(std::isfinite(aucs[1][0].mean));
}

}  // namespace
}  // namespace minissl
