#include <gtest/gtest.h>

#include "data/augment.h"

// Figures of torchvision 0.29 and Pillow 13, computed once.
namespace minissl {
namespace {

/// Mean and deviation of a series of numbers, and some of its quantiles.
class Series {
 public:
  void add(double value) { values_.push_back(value); }
  void expect(double mean, double deviation, std::vector<double> quantiles, double tolerance) {
    double sum = 0, squares = 0;
    for (const double v : values_) sum += v, squares += v * v;
    const auto count = static_cast<double>(values_.size());
    EXPECT_NEAR(sum / count, mean, tolerance);
    EXPECT_NEAR(std::sqrt(squares / count - sum / count * (sum / count)), deviation, tolerance);
    std::sort(values_.begin(), values_.end());
    for (size_t i = 0; i < quantiles.size(); ++i) {
      const double share = quantiles.size() == 3 ? std::array{0.1, 0.5, 0.9}[i] : std::array{.1, .25, .5, .75, .9}[i];
      EXPECT_NEAR(values_[static_cast<size_t>(share * count)], quantiles[i], 2 * tolerance) << share;
    }
  }

 private:
  std::vector<double> values_;
};

TEST(Torchvision, CropsHaveItsDistribution) {
  constexpr int64_t height = 320, width = 256, size = 100;
  Augmentation a;
  a.rotate = 0, a.flip = 0;
  Series area, aspect, x, y;
  for (int64_t i = 0; i < 40000; ++i) {
    const InverseMap m = draw_view(a, height, width, size, 5, 0, i, 0).map;
    const double w = static_cast<double>(m.scale_x) * size, h = static_cast<double>(m.scale_y) * size;
    area.add(w * h / (height * width));
    aspect.add(std::log(w / h));
    x.add((static_cast<double>(m.x0) + w / 2) / width);
    y.add((static_cast<double>(m.y0) + h / 2) / height);
  }
  // 200,000 draws of RandomResizedCrop.get_params.
  area.expect(0.4543, 0.2270, {0.1531, 0.2620, 0.4431, 0.6254, 0.7726}, 0.004);
  aspect.expect(-0.0284, 0.1633, {-0.2403, -0.0426, 0.2106}, 0.004);
  x.expect(0.4998, 0.0995, {}, 0.002);
  y.expect(0.4994, 0.1290, {}, 0.002);
}

TEST(Torchvision, ViewsHaveTheStatisticsOfItsViews) {
  const Image image{Tensor::empty({96, 96, 1}, DType::u8)};
  for (int64_t y = 0; y < 96; ++y)
    for (int64_t x = 0; x < 96; ++x)
      image.pixels.mutable_data<uint8_t>()[y * 96 + x] = static_cast<uint8_t>(std::clamp(
          std::nearbyint(60 + 1.2 * static_cast<double>(x) + 40 * std::sin(static_cast<double>(y) / 9)), 0.0, 255.0));
  Augmentation a;
  a.rotate = 0, a.blur_prob = 0, a.noise = 0;
  Series means, deviations;
  for (int64_t i = 0; i < 8000; ++i) {
    const Tensor view = render_view(image, draw_view(a, 96, 96, 32, 3, 0, i, 0), Normalization::none());
    double sum = 0, squares = 0;
    for (int64_t p = 0; p < view.numel(); ++p) {
      const auto v = static_cast<double>(view.data<float>()[p]);
      sum += v / 1024, squares += v * v / 1024;
    }
    means.add(sum);
    deviations.add(std::sqrt(std::max(0.0, squares - sum * sum)));
  }
  // 100,000 views by RandomResizedCrop, RandomHorizontalFlip and ColorJitter(0.8, 0.8) with probability 0.8.
  means.expect(0.4641, 0.1937, {0.1853, 0.4715, 0.7298}, 0.008);
  deviations.expect(0.1308, 0.0738, {0.0388, 0.1291, 0.2417}, 0.004);
}

TEST(Torchvision, EvaluationViewsAreWithinOneGrayLevelOfPillows) {
  const Image image{Tensor::empty({90, 70, 1}, DType::u8)};
  for (int y = 0; y < 90; ++y)
    for (int x = 0; x < 70; ++x)
      image.pixels.mutable_data<uint8_t>()[y * 70 + x] =
          static_cast<uint8_t>((x * 7 + y * 13 + (x * y) % 11 * 9) % 256);
  // CenterCrop(16)(Resize(16)(image)).
  constexpr std::array<int, 256> pillow = {
      178, 177, 150, 106, 67,  84,  118, 141, 167, 160, 141, 104, 71,  79,  104, 128, 128, 89,  71,  97,  123, 146,
      180, 174, 135, 96,  84,  87,  107, 142, 171, 175, 80,  87,  108, 148, 166, 164, 140, 139, 71,  75,  102, 137,
      157, 189, 189, 141, 107, 145, 165, 169, 146, 108, 80,  94,  101, 133, 154, 168, 154, 129, 92,  88,  172, 181,
      166, 113, 81,  82,  106, 127, 167, 191, 168, 122, 90,  81,  91,  115, 180, 148, 121, 69,  91,  118, 154, 174,
      175, 150, 127, 80,  78,  111, 142, 158, 106, 85,  92,  130, 159, 175, 173, 139, 91,  67,  89,  121, 143, 173,
      184, 157, 94,  122, 143, 179, 184, 151, 99,  68,  86,  106, 137, 169, 169, 149, 114, 103, 144, 173, 184, 135,
      102, 93,  90,  104, 138, 168, 177, 144, 119, 86,  88,  91,  167, 141, 112, 72,  77,  106, 141, 156, 172, 169,
      136, 75,  77,  102, 125, 151, 137, 90,  72,  99,  130, 153, 173, 154, 143, 129, 87,  91,  114, 148, 171, 178,
      90,  107, 128, 165, 186, 159, 120, 94,  84,  95,  119, 157, 173, 176, 135, 111, 126, 156, 168, 188, 173, 104,
      65,  77,  116, 142, 170, 188, 166, 111, 67,  74,  162, 157, 133, 105, 80,  87,  118, 141, 171, 182, 156, 113,
      84,  92,  108, 124, 139, 93,  71,  89,  110, 141, 175, 177, 155, 106, 79,  78,  94,  135, 159, 169, 91,  85,
      101, 136, 168, 168, 143, 121, 101, 76,  89,  128, 151, 167, 156, 133};
  const Tensor view = evaluation_view(image, 16, Normalization::none());
  for (size_t i = 0; i < pillow.size(); ++i)
    EXPECT_NEAR(255 * view.data<float>()[i], static_cast<float>(pillow[i]), 1.001f) << i;
}

}  // namespace
}  // namespace minissl
