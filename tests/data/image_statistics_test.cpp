#include "data/image_statistics.h"

#include <gtest/gtest.h>

namespace minissl {
namespace {

/// Gray images of 64 x 64 from a function of (image, y, x).
class Drawn : public Dataset {
 public:
  using Draw = std::function<float(int64_t, int64_t, int64_t)>;
  Drawn(int64_t images, Draw draw) : images_(images), draw_(std::move(draw)) {}
  int64_t size() const override { return images_; }
  Image load(int64_t i) const override {
    const Image image{Tensor::empty({64, 64, 1})};
    for (int64_t p = 0; p < 64 * 64; ++p) image.pixels.mutable_data<float>()[p] = draw_(i, p / 64, p % 64);
    return image;
  }
  int64_t label(int64_t) const override { return -1; }
  std::string name(int64_t i) const override { return std::to_string(i); }
  const std::vector<std::string>& class_names() const override { return none_; }

 private:
  int64_t images_;
  Draw draw_;
  std::vector<std::string> none_;
};

Augmentation nothing() {
  Augmentation a;
  a.rotate = a.jitter_prob = a.blur_prob = a.noise = 0;
  a.crop_scale = {0.5f, 1};
  return a;
}
LostViews lost(const Dataset& data, const Augmentation& a) {
  return count_lost_views(data, {{{.size = 32, .augmentation = a}}}, 1, 0);
}

const Drawn stripes(40, [](int64_t, int64_t, int64_t x) { return x / 4 % 2 ? 0.6f : 0.4f; });

TEST(LostViews, ViewsThatKeepTheirImageAreNotLost) {
  const LostViews views = lost(stripes, nothing());
  EXPECT_EQ(views.views, 80);
  EXPECT_EQ(views.lost(), 0);
  EXPECT_EQ(views.share(), 0);
}

TEST(LostViews, BrightnessMakesThemWhite) {
  Augmentation a = nothing();
  a.jitter_prob = 1, a.brightness = 3, a.contrast = 0;
  // A factor from 0 to 4: above 1 / 0.6 half of the pixels become white.
  const LostViews views = lost(stripes, a);
  EXPECT_NEAR(views.share(), (4 - 1 / 0.6) / 4, 0.15);
  EXPECT_EQ(views.noisy, 0);
}

TEST(LostViews, PixelsThatWereWhiteBeforeDontCount) {
  const Drawn white(40, [](int64_t, int64_t, int64_t x) { return x < 60 ? 1.0f : 0.5f; });
  Augmentation a = nothing();
  a.jitter_prob = 1, a.brightness = 0.1f, a.contrast = 0;
  EXPECT_EQ(lost(white, a).saturated, 0);
}

TEST(LostViews, NoiseCoversThem) {
  Augmentation a = nothing();
  // Deviation u * noise * sqrt(1/2), u from 0 to 1, compared with 0.1.
  a.noise = 0.4f;
  const LostViews views = lost(stripes, a);
  EXPECT_NEAR(views.share(), 1 - 0.1 / (0.4 * std::sqrt(0.5)), 0.15);
  EXPECT_EQ(views.saturated, 0);
  EXPECT_NE(views.sentence().find("`noise`"), std::string::npos);
}

TEST(LostViews, SlowChangesAreNoSignal) {
  const Drawn slope(20, [](int64_t, int64_t, int64_t x) { return 0.2f + 0.6f * static_cast<float>(x) / 64; });
  Augmentation a = nothing();
  a.noise = 0.4f;
  EXPECT_GT(lost(slope, a).share(), lost(stripes, a).share());
}

TEST(MeasureNormalization, IsTheMeanAndDeviationOfThePixels) {
  // Half of the images are 0.2 and 0.4, half 0.6 and 0.8.
  const Drawn data(4,
                   [](int64_t i, int64_t, int64_t x) { return 0.2f + (x % 2 ? 0.2f : 0.0f) + (i % 2 ? 0.4f : 0.0f); });
  const Normalization n = measure_normalization(data, 1);
  EXPECT_NEAR(n.mean[0], 0.5, 1e-6);
  EXPECT_NEAR(n.std[0], std::sqrt(0.05), 1e-6);
  const Normalization colours = measure_normalization(data, 3);
  EXPECT_NEAR(colours.std[2], std::sqrt(0.05), 1e-6);
  EXPECT_THROW(measure_normalization(Drawn(3, [](int64_t, int64_t, int64_t) { return 0.5f; }), 1), Error);
}

TEST(SpreadOver, IsEvenAndCompleteForFew) {
  EXPECT_EQ(spread_over(10, 4), (std::vector<int64_t>{0, 2, 5, 7}));
  EXPECT_EQ(spread_over(3, 4), (std::vector<int64_t>{0, 1, 2}));
  EXPECT_TRUE(spread_over(0, 4).empty());
}

}  // namespace
}  // namespace minissl
