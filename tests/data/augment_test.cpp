#include "data/augment.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <map>

namespace minissl {
namespace {

// Random bytes: smoothness could hide errors.
Image noise_image(int64_t height, int64_t width, int64_t channels, uint32_t item = 0) {
  const Random random(1, RandomSite::test, 0, item);
  const Image image{Tensor::empty({height, width, channels}, DType::u8)};
  auto* p = image.pixels.mutable_data<uint8_t>();
  for (int64_t i = 0; i < image.pixels.numel(); ++i)
    p[i] = static_cast<uint8_t>(random.below(static_cast<uint32_t>(i), 256));
  return image;
}

// No crop, rotation, flip or anything else.
Augmentation nothing() {
  Augmentation a;
  a.crop_scale = {1, 1}, a.rotate = a.flip = a.jitter_prob = a.blur_prob = a.noise = 0;
  return a;
}

ViewParameters whole_image(const Image& image, int64_t size) {
  ViewParameters p;
  p.size = static_cast<int32_t>(size);
  p.map = crop_map(0, 0, static_cast<float>(image.width()), static_cast<float>(image.height()), size);
  return p;
}

std::vector<double> plain(const Image& image, const ViewParameters& view) {
  return render_view(image, view, Normalization::none()).to_vector();
}

void expect_near(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance) << i;
}

TEST(Geometry, TheWholeImageAtItsSizeIsTheImage) {
  for (const int64_t channels : {1, 3}) {
    const Image image = noise_image(31, 31, channels);
    auto expected = image.pixels.to_vector();
    for (double& v : expected) v /= 255;
    expect_near(plain(image, whole_image(image, 31)), expected, 1e-5);
    expect_near(plain(image, draw_view(nothing(), 31, 31, 31, 0, 0, 0, 0)), expected, 1e-5);
  }
}

TEST(Geometry, AnInnerCropIsThatPartOfTheImage) {
  const Image image = noise_image(40, 50, 1);
  ViewParameters view;
  view.size = 16, view.map = crop_map(7, 11, 16, 16, 16);
  const auto crop = plain(image, view);
  for (int64_t y = 0; y < 16; ++y)
    for (int64_t x = 0; x < 16; ++x)
      ASSERT_NEAR(crop[static_cast<size_t>(y * 16 + x)], image.pixels.at((y + 11) * 50 + x + 7) / 255, 1e-5);
}

TEST(Geometry, FlipMirrors) {
  Augmentation a = nothing();
  a.flip = 1;
  const Image image = noise_image(24, 24, 3);
  const auto flipped = plain(image, draw_view(a, 24, 24, 24, 0, 0, 0, 0));
  for (int64_t y = 0; y < 24; ++y)
    for (int64_t x = 0; x < 24; ++x)
      for (int64_t c = 0; c < 3; ++c)
        ASSERT_NEAR(flipped[static_cast<size_t>((y * 24 + x) * 3 + c)],
                    image.pixels.at((y * 24 + 23 - x) * 3 + c) / 255, 1e-4);
}

// A quarter turn counter-clockwise: the pixel in the upper right moves to the upper left.
TEST(Geometry, RotationByARightAngleMovesPixels) {
  const Image image = noise_image(20, 20, 1);
  ViewParameters view = whole_image(image, 20);
  view.map.xx = 0, view.map.xy = -1, view.map.x0 = 20;
  view.map.yx = 1, view.map.yy = 0, view.map.y0 = 0;
  const auto turned = plain(image, view);
  for (int64_t y = 0; y < 20; ++y)
    for (int64_t x = 0; x < 20; ++x)
      ASSERT_NEAR(turned[static_cast<size_t>(y * 20 + x)], image.pixels.at(x * 20 + 19 - y) / 255, 1e-5);
}

TEST(Geometry, DrawnRotationsTurnAroundTheCentreWithinTheirLimit) {
  Augmentation a = nothing();
  a.rotate = 10;
  double extreme = 0, mean = 0;
  for (int64_t i = 0; i < 2000; ++i) {
    const InverseMap m = draw_view(a, 100, 80, 50, 0, 0, i, 0).map;
    EXPECT_NEAR(m.x0 + 25 * (m.xx + m.xy), 40, 0.501);  // a box of whole pixels may be one short
    EXPECT_NEAR(m.y0 + 25 * (m.yx + m.yy), 50, 0.501);
    // In the view, the turn is rigid; the stretch to the image follows.
    const double angle =
        std::atan2(static_cast<double>(m.yx / m.scale_y), static_cast<double>(m.xx / m.scale_x)) * 180 / M_PI;
    EXPECT_NEAR(angle,
                std::atan2(static_cast<double>(-m.xy / m.scale_x), static_cast<double>(m.yy / m.scale_y)) * 180 / M_PI,
                1e-3);
    extreme = std::max(extreme, std::fabs(angle)), mean += angle / 2000;
  }
  EXPECT_LT(extreme, 10.001);
  EXPECT_GT(extreme, 9.8);
  EXPECT_NEAR(mean, 0, 0.5);
}

TEST(Geometry, BeyondTheImageIsBlack) {
  const Image image{Tensor::full({32, 32, 1}, 255, DType::u8)};
  ViewParameters view = whole_image(image, 32);
  view.map = crop_map(-16, 0, 32, 32, 32);
  const auto shifted = plain(image, view);
  for (size_t y = 0; y < 32; ++y)
    for (size_t x = 0; x < 32; ++x) ASSERT_NEAR(shifted[y * 32 + x], x < 16 ? 0 : 1, 1e-5);
}

TEST(Geometry, ShrinkingByWholeFactorsIsTheTriangleAverage) {
  const Image image = noise_image(1, 64, 1);
  ViewParameters view;
  view.size = 16, view.map = crop_map(0, 0, 64, 1, 16);
  const auto small = plain(image, view);
  const double weights[8] = {1, 3, 5, 7, 7, 5, 3, 1};
  for (int64_t x = 1; x < 15; ++x) {
    double sum = 0;
    for (int64_t k = 0; k < 8; ++k) sum += weights[k] * image.pixels.at(4 * x - 2 + k) / 255 / 32;
    EXPECT_NEAR(small[static_cast<size_t>(x)], sum, 1e-5);
  }
}

TEST(Geometry, SixteenBitSourcesGiveTheSameView) {
  const Image bytes = noise_image(50, 60, 3);
  const Image floats{bytes.pixels.to(DType::f32)};
  auto* p = floats.pixels.mutable_data<float>();
  for (int64_t i = 0; i < floats.pixels.numel(); ++i) p[i] /= 255;
  const auto view = draw_view({}, 50, 60, 32, 0, 0, 5, 1);
  expect_near(plain(bytes, view), plain(floats, view), 1e-5);
}

TEST(Crop, AreasAndAspectRatiosAreAsAsked) {
  double area = 0, log_aspect = 0;
  const Augmentation a;
  constexpr int64_t n = 4000;
  for (int64_t i = 0; i < n; ++i) {
    const InverseMap m = draw_view(a, 1000, 1000, 100, 0, 0, i, 0).map;
    const double w = 100.0 * static_cast<double>(m.scale_x), h = 100.0 * static_cast<double>(m.scale_y);
    EXPECT_GT(w * h / 1e6, 0.079);
    EXPECT_LT(w * h / 1e6, 1.001);
    EXPECT_GT(w / h, 0.745);
    EXPECT_LT(w / h, 1.34);
    area += w * h / 1e6 / n, log_aspect += std::log(w / h) / n;
  }
  EXPECT_NEAR(area, 0.478, 0.015);  // torchvision's own mean over 20000 draws
  EXPECT_NEAR(log_aspect, 0, 0.01);
}

TEST(Crop, StripsFallBackToTheirCentre) {
  Augmentation a = nothing();
  a.crop_scale = {1, 1};
  const InverseMap wide = draw_view(a, 20, 3000, 10, 0, 0, 0, 0).map;
  EXPECT_FLOAT_EQ(wide.scale_x * 10, 27);  // 20 * 4/3, rounded
  EXPECT_FLOAT_EQ(wide.scale_y * 10, 20);
  EXPECT_NEAR(wide.x0, 1486, 1e-3);
  const InverseMap tall = draw_view(a, 3000, 20, 10, 0, 0, 0, 0).map;
  EXPECT_FLOAT_EQ(tall.scale_y * 10, 27);
  EXPECT_NEAR(tall.y0, 1486, 1e-3);
}

TEST(Crop, OnePixelImagesGiveFlatViews) {
  const Image image{Tensor::full({1, 1, 1}, 137, DType::u8)};
  Augmentation a;
  a.rotate = 0, a.jitter_prob = 0, a.noise = 0;
  for (const double v : plain(image, draw_view(a, 1, 1, 32, 0, 0, 0, 0))) ASSERT_NEAR(v, 137.0 / 255, 1e-5);
}

TEST(Color, BrightnessScales) {
  const Image image = noise_image(16, 16, 3);
  ViewParameters view = whole_image(image, 16);
  const auto before = plain(image, view);
  view.jitter = true, view.factor[static_cast<size_t>(Jitter::brightness)] = 1.5f;
  const auto after = plain(image, view);
  for (size_t i = 0; i < before.size(); ++i) ASSERT_NEAR(after[i], std::min(1.0, 1.5 * before[i]), 1e-5);
}

TEST(Color, ContrastKeepsTheMeanGray) {
  const Image image = noise_image(16, 16, 1);
  ViewParameters view = whole_image(image, 16);
  const auto before = plain(image, view);
  double mean = 0;
  for (const double v : before) mean += v / 256;
  view.jitter = true, view.factor[static_cast<size_t>(Jitter::contrast)] = 0.5f;
  const auto after = plain(image, view);
  for (size_t i = 0; i < before.size(); ++i) ASSERT_NEAR(after[i], 0.5 * before[i] + 0.5 * mean, 1e-5);
}

TEST(Color, TheOrderOfJitterCounts) {
  const Image image = noise_image(16, 16, 1);
  ViewParameters view = whole_image(image, 16);
  view.jitter = true, view.factor = {1.8f, 1.6f, 1, 0};
  const auto one = plain(image, view);
  std::swap(view.order[0], view.order[1]);
  EXPECT_NE(one, plain(image, view));
}

TEST(Color, GrayViewsHaveEqualChannels) {
  const Image image = noise_image(16, 16, 3);
  ViewParameters view = whole_image(image, 16);
  view.gray = true, view.noise = 0.2f;
  const auto gray = plain(image, view);
  for (size_t i = 0; i < gray.size(); i += 3) {
    ASSERT_EQ(gray[i], gray[i + 1]);
    ASSERT_EQ(gray[i], gray[i + 2]);
  }
}

TEST(Blur, KeepsFlatPicturesAndSpreadsAPoint) {
  const Image flat{Tensor::full({16, 16, 3}, 100, DType::u8)};
  ViewParameters view = whole_image(flat, 16);
  view.blur_sigma = 1.1f;
  for (const double v : plain(flat, view)) ASSERT_NEAR(v, 100.0 / 255, 1e-5);

  const Image point{Tensor::zeros({17, 17, 1}, DType::u8)};
  point.pixels.mutable_data<uint8_t>()[8 * 17 + 8] = 255;
  view = whole_image(point, 17);
  view.blur_sigma = 1.1f;
  const auto spread = plain(point, view);
  double sum = 0, variance_x = 0, variance_y = 0;
  for (int y = 0; y < 17; ++y)
    for (int x = 0; x < 17; ++x) {
      const double v = spread[static_cast<size_t>(17 * y + x)];
      sum += v, variance_x += v * (x - 8) * (x - 8), variance_y += v * (y - 8) * (y - 8);
    }
  EXPECT_NEAR(sum, 1, 1e-5);
  EXPECT_NEAR(variance_x, 1.1 * 1.1, 0.03);
  EXPECT_NEAR(variance_y, variance_x, 1e-5);
}

TEST(Noise, KeepsTheMeanAndHasItsDeviation) {
  const Image flat{Tensor::full({64, 64, 1}, 102, DType::u8)};  // 0.4
  ViewParameters view = whole_image(flat, 64);
  view.noise = 0.1f, view.noise_source = Random(9, RandomSite::noise, 1, 2, 1);
  double mean = 0, square = 0;
  const auto noisy = plain(flat, view);
  for (const double v : noisy) mean += v / 4096, square += (v - 0.4) * (v - 0.4) / 4096;
  EXPECT_NEAR(mean, 0.4, 0.004);
  EXPECT_NEAR(std::sqrt(square), 0.1 * std::sqrt(0.4), 0.003);
}

TEST(Views, AreNormalisedLast) {
  const Image image{Tensor::full({8, 8, 3}, 255, DType::u8)};
  const Normalization n = Normalization::imagenet(3);
  const Tensor view = render_view(image, whole_image(image, 8), n);
  for (int64_t i = 0; i < view.numel(); ++i) {
    const auto c = static_cast<size_t>(i % 3);
    ASSERT_NEAR(view.at(i), static_cast<double>((1 - n.mean[c]) / n.std[c]), 1e-5);
  }
}

TEST(Views, AreAFunctionOfSeedEpochImageAndView) {
  const Image image = noise_image(64, 48, 3);
  const auto bits = [&](uint64_t seed, int64_t epoch, int64_t item, int view) {
    return plain(image, draw_view({}, 64, 48, 24, seed, epoch, item, view));
  };
  const auto one = bits(1, 2, 3, 0);
  EXPECT_EQ(one, bits(1, 2, 3, 0));
  EXPECT_NE(one, bits(2, 2, 3, 0));
  EXPECT_NE(one, bits(1, 3, 3, 0));
  EXPECT_NE(one, bits(1, 2, 4, 0));
  EXPECT_NE(one, bits(1, 2, 3, 1));
}

// The drawn parameters don't depend on the number of pixels.
TEST(Views, OfAnySizeShowTheSame) {
  const auto small = draw_view({}, 300, 200, 32, 7, 0, 5, 1), large = draw_view({}, 300, 200, 96, 7, 0, 5, 1);
  EXPECT_FLOAT_EQ(small.map.scale_x, 3 * large.map.scale_x);
  EXPECT_NEAR(small.map.x0, large.map.x0, 1e-3);
  EXPECT_EQ(small.factor, large.factor);
  EXPECT_EQ(small.order, large.order);
  EXPECT_FLOAT_EQ(3 * small.blur_sigma, large.blur_sigma);
  EXPECT_EQ(small.noise, large.noise);
}

TEST(Views, ProbabilitiesAreKept) {
  Augmentation a;
  a.flip = 0.5f, a.jitter_prob = 0.8f, a.gray_prob = 0.2f, a.blur_prob = 0.5f, a.solarize_prob = 0.1f, a.rotate = 0;
  a.brightness = 0.4f, a.hue = 0.1f;
  double flip = 0, jitter = 0, gray = 0, blur = 0, solarized = 0, brightness = 0;
  std::map<std::array<Jitter, 4>, int> orders;
  constexpr int64_t n = 4800;
  for (int64_t i = 0; i < n; ++i) {
    const auto v = draw_view(a, 64, 64, 64, 0, 0, i, 0);
    flip += v.map.xx<0, jitter += v.jitter, gray += v.gray, blur += v.blur_sigma> 0, solarized += v.solarize;
    brightness += static_cast<double>(v.factor[0]);
    ++orders[v.order];
    ASSERT_TRUE(v.factor[0] >= 0.6f && v.factor[0] <= 1.4f);
    ASSERT_TRUE(v.factor[3] >= -0.1f && v.factor[3] <= 0.1f);
    ASSERT_TRUE(v.noise >= 0 && v.noise < 0.1f);
    if (v.blur_sigma > 0) {
      ASSERT_TRUE(v.blur_sigma > 0.1f * 64 / 224 * 0.999f && v.blur_sigma < 2.0f * 64 / 224);
    }
  }
  EXPECT_NEAR(flip / n, 0.5, 0.03);
  EXPECT_NEAR(jitter / n, 0.8, 0.03);
  EXPECT_NEAR(gray / n, 0.2, 0.03);
  EXPECT_NEAR(blur / n, 0.5, 0.03);
  EXPECT_NEAR(solarized / n, 0.1, 0.02);
  EXPECT_NEAR(brightness / n, 1, 0.02);
  EXPECT_EQ(orders.size(), 24u);
  for (const auto& [order, count] : orders) EXPECT_NEAR(count, 200, 60);
}

TEST(Views, StayWithinZeroAndOne) {
  Augmentation a;
  a.saturation = 0.8f, a.hue = 0.5f, a.gray_prob = 0.2f, a.solarize_prob = 0.3f, a.noise = 1, a.rotate = 180;
  for (const int64_t channels : {1, 3}) {
    const Image image = noise_image(40, 30, channels);
    for (int64_t i = 0; i < 100; ++i)
      for (const double v : plain(image, draw_view(a, 40, 30, 17, 0, 0, i, 0))) ASSERT_TRUE(v >= 0 && v <= 1) << v;
  }
}

TEST(Augmentation, RefusesInvalidSettings) {
  const auto refused = [](auto change) {
    Augmentation a;
    change(a);
    EXPECT_THROW(a.check(), Error);
  };
  EXPECT_NO_THROW(Augmentation{}.check());
  refused([](auto& a) { a.crop_scale = {0, 1}; });
  refused([](auto& a) { a.crop_scale = {0.5f, 0.2f}; });
  refused([](auto& a) { a.crop_scale = {0.5f, 1.2f}; });
  refused([](auto& a) { a.hue = 0.6f; });
  refused([](auto& a) { a.blur_prob = 1.1f; });
  refused([](auto& a) { a.flip = std::nanf(""); });
  refused([](auto& a) { a.contrast = -1; });
  refused([](auto& a) { a.rotate = 181; });
}

TEST(EvaluationView, ResizesTheShorterSideAndTakesTheCentre) {
  // As in torchvision, the longer side and the offset are whole pixels of the resized image.
  const auto covers = [](int64_t height, int64_t width, int64_t size, double side) {
    const InverseMap m = evaluation_view(height, width, size).map;
    const auto s = static_cast<double>(size);
    EXPECT_NEAR(static_cast<double>(m.scale_x) * s, side, 1.5) << height << ' ' << width << ' ' << size;
    EXPECT_NEAR(static_cast<double>(m.scale_y) * s, side, 1.5);
    EXPECT_NEAR(static_cast<double>(m.x0) + side / 2, static_cast<double>(width) / 2, 3.0);
    EXPECT_NEAR(static_cast<double>(m.y0) + side / 2, static_cast<double>(height) / 2, 3.0);
  };
  covers(256, 256, 224, 224);
  covers(512, 512, 224, 448);
  covers(400, 300, 224, 300 * 224.0 / 256);
  covers(300, 400, 64, 300);
  covers(32, 32, 32, 32);
  covers(20, 3000, 224, 17.5);
}

TEST(EvaluationView, OfAnImageOfItsSizeIsTheImage) {
  const Image image = noise_image(32, 32, 3);
  const Tensor view = evaluation_view(image, 32, Normalization::none());
  for (int64_t i = 0; i < view.numel(); ++i) ASSERT_NEAR(view.at(i), image.pixels.at(i) / 255, 1e-5);
}

// Guard bytes around every block: nothing is written outside a view.
TEST(Views, WriteNothingBesideThem) {
  MemoryChecks::enable(true);
  for (const int64_t size : {1, 5, 33})
    for (const int64_t channels : {1, 3}) {
      const Image image = noise_image(20, 30, channels);
      for (int64_t i = 0; i < 20; ++i)
        render_view(image, draw_view({}, 20, 30, size, 0, 0, i, 0), Normalization::none());
    }
  MemoryChecks::enable(false);
  EXPECT_EQ(MemoryChecks::take_violations(), 0);
}

}  // namespace
}  // namespace minissl
