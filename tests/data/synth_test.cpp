#include "data/synth.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

#include "data/augment.h"
#include "data/phantom.h"

namespace minissl {
namespace {

TEST(Synth, IsAFunctionOfSeedAndIndex) {
  const SyntheticRadiographs a(300, 64, 1, 7), b(30, 64, 1, 7), other(30, 64, 1, 8);
  const auto pixels = [](const Dataset& d, int64_t i) { return d.load(i).pixels.to_vector(); };
  EXPECT_EQ(pixels(a, 11), pixels(b, 11));
  EXPECT_NE(pixels(a, 11), pixels(other, 11));
  EXPECT_NE(pixels(a, 11), pixels(a, 14));
}

TEST(Synth, ClassesAreBalanced) {
  const SyntheticRadiographs data(300, 32, 1, 0);
  std::vector<int> count(3);
  for (int64_t i = 0; i < data.size(); ++i) ++count[static_cast<size_t>(data.label(i))];
  EXPECT_EQ(count, (std::vector<int>{100, 100, 100}));
  EXPECT_EQ(data.class_names().size(), 3u);
  EXPECT_EQ(data.name(4), "opacity/000004");
}

// The same patient with and without a finding differs, and only locally.
TEST(Synth, FindingsAreLocal) {
  for (const Finding finding : {Finding::opacity, Finding::enlarged_heart}) {
    int64_t seen = 0, changed = 0, total = 0;
    for (uint32_t i = 0; i < 30; ++i) {
      const auto normal = phantom_radiograph(Finding::normal, 64, 0, i).pixels.to_vector();
      const auto found = phantom_radiograph(finding, 64, 0, i).pixels.to_vector();
      int64_t different = 0;
      for (size_t k = 0; k < normal.size(); ++k) different += std::abs(normal[k] - found[k]) > 8;
      seen += different > 10, changed += different, total += static_cast<int64_t>(normal.size());
    }
    EXPECT_GE(seen, 27);
    EXPECT_LT(changed, total / 5);
  }
}

TEST(Synth, UsesTheGrayScale) {
  for (uint32_t i = 0; i < 20; ++i) {
    const auto values = phantom_radiograph(Finding::normal, 64, 3, i).pixels.to_vector();
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    EXPECT_GT(*high - *low, 100) << i;
  }
}

// Hard enough to be worth learning on: nearest neighbours of pixels do better than chance (1/3), but far from well.
TEST(Synth, PixelsAloneDoNotTell) {
  constexpr int64_t train = 600, test = 150, k = 15;
  const auto feature = [](const Dataset& data, int64_t i) {
    auto v = evaluation_view(data.load(i), 32, Normalization::none()).to_vector();
    double mean = 0, square = 0;
    for (const double x : v) mean += x / static_cast<double>(v.size());
    for (double& x : v) x -= mean, square += x * x;
    for (double& x : v) x /= std::sqrt(square);
    return v;
  };
  const SyntheticRadiographs bank_data(train, 128, 1, 0), query_data(test, 128, 1, 1);
  std::vector<std::vector<double>> bank;
  for (int64_t i = 0; i < train; ++i) bank.push_back(feature(bank_data, i));
  int64_t right = 0;
  for (int64_t i = 0; i < test; ++i) {
    const auto query = feature(query_data, i);
    std::vector<std::pair<double, int64_t>> similar;
    for (int64_t j = 0; j < train; ++j)
      similar.emplace_back(-std::inner_product(query.begin(), query.end(), bank[static_cast<size_t>(j)].begin(), 0.0),
                           bank_data.label(j));
    std::partial_sort(similar.begin(), similar.begin() + k, similar.end());
    int votes[3] = {};
    for (int64_t n = 0; n < k; ++n) ++votes[similar[static_cast<size_t>(n)].second];
    right += std::max_element(votes, votes + 3) - votes == query_data.label(i);
  }
  const double accuracy = static_cast<double>(right) / test;
  EXPECT_GT(accuracy, 0.36);
  EXPECT_LT(accuracy, 0.68);
}

}  // namespace
}  // namespace minissl
