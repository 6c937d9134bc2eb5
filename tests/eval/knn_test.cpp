#include "eval/knn.h"

#include <gtest/gtest.h>

#include "tests/ssl/random_tensor.h"

namespace minissl {
namespace {

// Angles in degrees as points on the circle, of any length.
Tensor on_circle(const std::vector<double>& degrees, float length = 1) {
  std::vector<float> points;
  for (const double angle : degrees) {
    points.push_back(length * static_cast<float>(std::cos(angle * 0.017453292519943295)));
    points.push_back(length * static_cast<float>(std::sin(angle * 0.017453292519943295)));
  }
  return Tensor::from<float>({static_cast<int64_t>(degrees.size()), 2}, points);
}

TEST(Knn, NearestDirectionDecidesWhateverTheLength) {
  const Accuracy a =
      knn_accuracy({on_circle({0, 90, 180}, 3), {0, 1, 2}, on_circle({10, 80, 200, 100}, 0.1f), {0, 1, 2, 0}, 3},
                   {.k = 1, .temperature = 0.1});
  EXPECT_DOUBLE_EQ(a.top1, 0.75);
  EXPECT_DOUBLE_EQ(a.per_class[0], 0.5);
  EXPECT_DOUBLE_EQ(a.per_class[2], 1);
}

TEST(Knn, VotesAreWeightedByTheTemperature) {
  // One very close neighbour of class 0 against two farther ones of class 1.
  const Tensor train = on_circle({1, 40, 41});
  const auto predicted_class_0 = [&](double temperature) {
    return knn_accuracy({train, {0, 1, 1}, on_circle({0}), {0}, 2}, {.k = 3, .temperature = temperature}).top1 == 1;
  };
  EXPECT_TRUE(predicted_class_0(0.1));
  EXPECT_FALSE(predicted_class_0(10));
}

TEST(Knn, MoreNeighboursThanImagesMeansAllOfThem) {
  EXPECT_DOUBLE_EQ(knn_accuracy({on_circle({0, 90}), {0, 1}, on_circle({5}), {0}, 2}, {.k = 200}).top1, 1);
}

TEST(Knn, AFarNeighbourStillVotesAtALowTemperature) {
  const Accuracy a =
      knn_accuracy({on_circle({90, 180}), {0, 1}, on_circle({0, 270}), {0, 1}, 2}, {.temperature = 1e-4});
  EXPECT_DOUBLE_EQ(a.top1, 1);
  EXPECT_DOUBLE_EQ(a.auc[0], 1);
}

TEST(Knn, MissingLabelsAndOddShapesAreErrors) {
  const Tensor two = on_circle({0, 90});
  EXPECT_THROW(knn_accuracy({two, {0, -1}, two, {0, 1}, 2}, {}), Error);
  EXPECT_THROW(knn_accuracy({two, {0, 1}, random_tensor({2, 3}, 1), {0, 1}, 2}, {}), Error);
  EXPECT_THROW(knn_accuracy({two, {0, 1}, two, {0, 1}, 2}, {.k = 0}), Error);
  EXPECT_THROW(knn_accuracy({two, {0, 1}, two, {0, 1}, 2}, {.temperature = HUGE_VAL}), Error);
  EXPECT_THROW(knn_accuracy({two, {0, 1}, two, {0, 1}, 2}, {.temperature = NAN}), Error);
}

TEST(Knn, FeaturesThatAreNotFiniteAreAnError) {
  const Tensor two = on_circle({0, 90}), spoiled = Tensor::from<float>({2, 2}, {1, 0, NAN, 1});
  EXPECT_THROW(knn_accuracy({spoiled, {0, 1}, two, {0, 1}, 2}, {.k = 1}), Error);
  EXPECT_THROW(knn_accuracy({two, {0, 1}, spoiled, {0, 1}, 2}, {.k = 1}), Error);
}

}  // namespace
}  // namespace minissl
