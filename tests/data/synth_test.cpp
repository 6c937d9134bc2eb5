#include "data/sources/synth.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

#include "data/augment.h"
#include "data/phantom/phantom.h"
#include "data/phantom/phantom_body.h"

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

// The same patient with and without a finding differs only locally.
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

using Features = std::vector<std::vector<double>>;

// Accuracy of the majority among the 15 most similar (cosine) of `bank`; image i's class is i mod 3, as in synth:N.
double nearest_neighbours(Features bank, Features queries) {
  constexpr size_t k = 15;
  for (Features* features : {&bank, &queries})
    for (std::vector<double>& v : *features) {
      const double mean = std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
      for (double& x : v) x -= mean;
      const double norm = std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0));
      for (double& x : v) x /= norm;
    }
  size_t right = 0;
  for (size_t i = 0; i < queries.size(); ++i) {
    std::vector<std::pair<double, size_t>> similar;
    for (size_t j = 0; j < bank.size(); ++j)
      similar.emplace_back(-std::inner_product(queries[i].begin(), queries[i].end(), bank[j].begin(), 0.0), j % 3);
    std::partial_sort(similar.begin(), similar.begin() + k, similar.end());
    int votes[3] = {};
    for (size_t n = 0; n < k; ++n) ++votes[similar[n].second];
    right += static_cast<size_t>(std::max_element(votes, votes + 3) - votes) == i % 3;
  }
  return static_cast<double>(right) / static_cast<double>(queries.size());
}

std::vector<double> pixels(const Dataset& data, int64_t i) {
  return evaluation_view(data.load(i), 32, Normalization::none()).to_vector();
}

// Only the body, straight before the detector: no pose, exposure, vessels, devices or noise.
std::vector<double> anatomy(uint64_t seed, uint32_t i) {
  using phantom::Draws, phantom::Part;
  const auto draws = [&](Part part) { return Draws(seed, i, part); };
  const phantom::Body body(static_cast<Finding>(i % 3), 0, draws(Part::body), draws(Part::finding),
                           draws(Part::opacity));
  std::vector<double> values;
  for (int y = -15; y < 16; y += 2)
    for (int x = -15; x < 16; x += 2)
      values.push_back(body.attenuation({static_cast<float>(x) / 16, static_cast<float>(y) / 16}, {}));
  return values;
}

template <class Feature>
Features features(uint32_t count, const Feature& feature) {
  Features all;
  for (uint32_t i = 0; i < count; ++i) all.push_back(feature(i));
  return all;
}

// Hard enough to be worth learning on: nearest neighbours of pixels do better than chance (1/3), but far from well.
// The information is there: without the variation that an encoder should ignore, neighbours share their finding.
TEST(Synth, PixelsAloneDoNotTellButAnatomyDoes) {
  const SyntheticRadiographs bank(600, 64, 1, 0), queries(300, 64, 1, 1);
  const double by_pixels = nearest_neighbours(features(600, [&](uint32_t i) { return pixels(bank, i); }),
                                              features(300, [&](uint32_t i) { return pixels(queries, i); }));
  const double by_anatomy = nearest_neighbours(features(600, [](uint32_t i) { return anatomy(0, i); }),
                                               features(300, [](uint32_t i) { return anatomy(1, i); }));
  EXPECT_GT(by_pixels, 0.36);
  EXPECT_LT(by_pixels, 0.5);
  EXPECT_GT(by_anatomy, 0.7);
}

// No shortcut by a single number: brightness or contrast says next to nothing about the class.
TEST(Synth, BrightnessAndContrastDoNotTell) {
  constexpr int64_t count = 900;
  const SyntheticRadiographs data(count, 64, 1, 0);
  std::vector<double> mean[3], deviation[3];
  for (int64_t i = 0; i < count; ++i) {
    const std::vector<double> v = pixels(data, i);
    const auto n = static_cast<double>(v.size());
    const double m = std::accumulate(v.begin(), v.end(), 0.0) / n;
    mean[i % 3].push_back(m);
    deviation[i % 3].push_back(std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0) / n - m * m));
  }
  // The probability that one of b is above one of a: 1/2 if they are indistinguishable, with a standard error of 0.024.
  const auto area_under_curve = [](const std::vector<double>& a, const std::vector<double>& b) {
    double above = 0;
    for (const double x : a)
      above += static_cast<double>(std::count_if(b.begin(), b.end(), [x](double y) { return y > x; }));
    return above / static_cast<double>(a.size() * b.size());
  };
  for (const auto& statistic : {mean, deviation})
    for (const auto& [a, b] : {std::pair{0, 1}, {0, 2}, {1, 2}})
      EXPECT_NEAR(area_under_curve(statistic[a], statistic[b]), 0.5, 0.1) << a << " " << b;
}

}  // namespace
}  // namespace minissl
