#include "data/augment_functions.h"

#include <gtest/gtest.h>
#include <vector>

namespace minissl {
namespace {

// Expected values of the colour functions are torchvision 0.14's.
TEST(AugmentFunctions, Blend) {
  EXPECT_FLOAT_EQ(blend(0.4f, 0, 1.5f), 0.6f);
  EXPECT_FLOAT_EQ(blend(0.8f, 0, 1.5f), 1.0f);
  EXPECT_FLOAT_EQ(blend(0.6f, 0.5f, 2), 0.7f);
  EXPECT_FLOAT_EQ(blend(0.1f, 0.5f, 2), 0.0f);
  EXPECT_FLOAT_EQ(blend(0.1f, 0.5f, 0), 0.5f);
}

TEST(AugmentFunctions, HueTurnsThroughTheColours) {
  const auto turned = [](std::array<float, 3> rgb, float turns) {
    turn_hue(rgb.data(), turns);
    return rgb;
  };
  const auto expect_near = [](std::array<float, 3> a, std::array<float, 3> b) {
    for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(a[c], b[c], 1e-6);
  };
  expect_near(turned({1, 0, 0}, 1.0f / 3), {0, 1, 0});
  expect_near(turned({1, 0, 0}, -1.0f / 3), {0, 0, 1});
  expect_near(turned({0.8f, 0.4f, 0.2f}, 0.5f), {0.2f, 0.6f, 0.8f});
  expect_near(turned({0.8f, 0.4f, 0.2f}, 0), {0.8f, 0.4f, 0.2f});
  expect_near(turned({0.3f, 0.3f, 0.3f}, 0.25f), {0.3f, 0.3f, 0.3f});
}

TEST(AugmentFunctions, GrayIsLuma) {
  const float rgb[3] = {0.2f, 0.5f, 0.9f};
  EXPECT_FLOAT_EQ(gray<3>(rgb), 0.299f * 0.2f + 0.587f * 0.5f + 0.114f * 0.9f);
  EXPECT_FLOAT_EQ(gray<1>(rgb), 0.2f);
}

TEST(AugmentFunctions, Solarize) {
  EXPECT_FLOAT_EQ(solarize(0.49f), 0.49f);
  EXPECT_FLOAT_EQ(solarize(0.5f), 0.5f);
  EXPECT_FLOAT_EQ(solarize(0.75f), 0.25f);
}

TEST(AugmentFunctions, ReflectRepeatsNoEnd) {
  std::vector<int> line;
  for (int i = -5; i < 8; ++i) line.push_back(reflect(i, 4));
  EXPECT_EQ(line, (std::vector<int>{1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1}));
  EXPECT_EQ(reflect(-3, 1), 0);
  EXPECT_EQ(reflect(7, 1), 0);
}

TEST(AugmentFunctions, NormalNumbers) {
  const Random random(3, RandomSite::test);
  double moments[4] = {}, products = 0;
  constexpr int n = 50000;
  for (uint32_t i = 0; i < n; ++i) {
    float x[4];
    normal4(random.bits(i), x);
    for (const float v : x) {
      const double d = static_cast<double>(v);
      moments[0] += d, moments[1] += d * d, moments[2] += d * d * d, moments[3] += d * d * d * d;
    }
    products += static_cast<double>(x[0] * x[1] + x[2] * x[3] + x[0] * x[2]);
  }
  EXPECT_NEAR(moments[0] / (4 * n), 0, 0.01);
  EXPECT_NEAR(moments[1] / (4 * n), 1, 0.015);
  EXPECT_NEAR(moments[2] / (4 * n), 0, 0.03);
  EXPECT_NEAR(moments[3] / (4 * n), 3, 0.12);
  EXPECT_NEAR(products / (3 * n), 0, 0.015);
}

// Variance proportional to intensity, mean kept (away from the ends, where values are clipped).
TEST(AugmentFunctions, NoiseGrowsWithTheSignal) {
  const Random random(4, RandomSite::test);
  for (const float v : {0.25f, 0.6f}) {
    double sum = 0, square = 0;
    constexpr int n = 20000;
    for (uint32_t i = 0; i < n; ++i) {
      const double d = static_cast<double>(add_noise(v, random.normal(i), 0.1f) - v);
      sum += d, square += d * d;
    }
    EXPECT_NEAR(sum / n, 0, 0.002);
    EXPECT_NEAR(square / n, 0.01 * static_cast<double>(v), 0.0004);
  }
  EXPECT_EQ(add_noise(0, 3, 0.5f), 0);
}

TEST(AugmentFunctions, TapsOfAWholeFactorAreATriangle) {
  const FilterTaps taps(8, 4, 100);  // one output pixel over source pixels 6 to 9
  EXPECT_EQ(taps.begin, 4);
  EXPECT_EQ(taps.end, 12);
  const float expected[8] = {0.125f, 0.375f, 0.625f, 0.875f, 0.875f, 0.625f, 0.375f, 0.125f};
  for (int i = 0; i < 8; ++i) EXPECT_FLOAT_EQ(taps.weight(4 + i), expected[i]);
  EXPECT_FLOAT_EQ(taps.coverage, 0.25f);  // the weights' sum is 4
}

TEST(AugmentFunctions, TapsStayWithinTheImage) {
  for (const float scale : {0.1f, 0.7f, 1.0f, 3.3f, 40.0f})
    for (float position = -60; position < 70; position += 0.37f) {
      const FilterTaps taps(position, scale, 10);
      EXPECT_GE(taps.begin, 0);
      EXPECT_LE(taps.end, 10);
      float sum = 0;
      for (int i = taps.begin; i < taps.end; ++i) sum += taps.weight(i);
      const float total = sum * taps.coverage;  // 1 inside, 0 outside, between at the border
      EXPECT_TRUE(total >= 0 && total <= 1.0001f) << scale << ' ' << position;
      if (position > 0.5f * scale && position < 10 - 0.5f * scale) {
        EXPECT_NEAR(total, 1, 1e-5);
      }
      if (position < -0.5f * scale || position > 10 + 0.5f * scale) {
        EXPECT_EQ(total, 0);
      }
    }
}

}  // namespace
}  // namespace minissl
