#include "data/resample.h"

#include <gtest/gtest.h>

#include "data/augment.h"

namespace minissl {
namespace {

template <int C, class T>
void expect_as_pixel_by_pixel(int height, int width, const InverseMap& map, int size) {
  const Random random(3, RandomSite::test);
  std::vector<T> source(static_cast<size_t>(height * width * C));
  for (size_t i = 0; i < source.size(); ++i)
    source[i] = static_cast<T>(random.uniform(static_cast<uint32_t>(i)) * (sizeof(T) == 1 ? 255.99f : 1.0f));
  std::vector<float> out(static_cast<size_t>(size * size * C));
  resample<C>(source.data(), height, width, map, size, size, out.data());
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) {
      float expected[C];
      sample_pixel<C>(source.data(), height, width, map, x, y, expected);
      for (int c = 0; c < C; ++c)
        ASSERT_NEAR(out[static_cast<size_t>((y * size + x) * C + c)], expected[c], 2e-4f)
            << height << " x " << width << " at " << x << ", " << y;
    }
}

TEST(Resample, EqualsSamplingPixelByPixel) {
  struct Extent {
    int height, width, size;
  };
  // Enlarged, shrunk by up to 12, with fewer pixels than taps, with fewer outputs than a vector.
  for (const auto& [height, width, size] :
       {Extent{40, 50, 33}, Extent{90, 70, 20}, Extent{200, 180, 16}, Extent{300, 200, 17}, Extent{3, 2, 9},
        Extent{1, 1, 5}, Extent{64, 64, 64}, Extent{7, 300, 12}, Extent{30, 40, 1}})
    for (int i = 0; i < 12; ++i) {
      Augmentation augmentation;
      augmentation.crop_scale = {i % 2 ? 0.9f : 0.05f, 1};
      augmentation.rotate = i % 3 == 0 ? 0.0f : i % 3 == 1 ? 10.0f : 180.0f;
      const InverseMap map = draw_view(augmentation, height, width, size, 1, 0, i, 0).map;
      expect_as_pixel_by_pixel<1, uint8_t>(height, width, map, size);
      expect_as_pixel_by_pixel<3, uint8_t>(height, width, map, size);
      expect_as_pixel_by_pixel<1, float>(height, width, map, size);
      expect_as_pixel_by_pixel<3, float>(height, width, map, size);
    }
}

TEST(Resample, OutsideOfTheImageIsBlack) {
  const std::vector<float> white(64, 1.0f);
  std::vector<float> out(64);
  for (const float turn : {0.0f, 0.5f}) {
    const InverseMap beyond{
        .x0 = 100, .xx = 1, .xy = turn, .y0 = -100, .yx = -turn, .yy = 1, .scale_x = 1, .scale_y = 1};
    resample<1>(white.data(), 8, 8, beyond, 8, 8, out.data());
    EXPECT_EQ(out, std::vector<float>(64, 0.0f));
  }
}

TEST(NormalNumbers, LogarithmAndSineAreThoseOfTheLibrary) {
  double log_error = 0, turn_error = 0;
  const auto compare = [&](uint32_t k) {
    const double exact = std::log(static_cast<double>(k) * 0x1p-24);
    log_error = std::max(log_error, std::abs(log_of_fraction(k) - exact) / std::max(std::abs(exact), 1e-30));
  };
  for (uint32_t k = 1; k < 1 << 24; k += k < 4096 ? 1 : 511) compare(k);
  for (uint32_t k = (1 << 24) - 4096; k < 1 << 24; ++k) compare(k);
  EXPECT_EQ(log_of_fraction(1 << 24), 0);
  EXPECT_LT(log_error, 2.5e-7);
  for (uint32_t k = 0; k < 1 << 24; k += 509) {
    float cosine = 0, sine = 0;
    cos_sin_of_turn(k, cosine, sine);
    const double angle = 2 * std::numbers::pi * static_cast<double>(k) * 0x1p-24;
    turn_error = std::max({turn_error, std::abs(cosine - std::cos(angle)), std::abs(sine - std::sin(angle))});
  }
  EXPECT_LT(turn_error, 1.5e-7);
}

}  // namespace
}  // namespace minissl
