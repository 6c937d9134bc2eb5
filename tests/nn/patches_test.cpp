#include "nn/patches.h"

#include <cmath>
#include <gtest/gtest.h>

#include "tests/ssl/random_tensor.h"

namespace minissl {
namespace {

// An image of 4 x 4 pixels whose channels hold 10 * pixel and 10 * pixel + 1.
TEST(Patches, GoRowByRowThenColumnByColumnThenThroughTheChannels) {
  std::vector<float> pixels;
  for (int p = 0; p < 16; ++p) pixels.insert(pixels.end(), {10.0f * p, 10.0f * p + 1});
  const Tensor images = Tensor::from<float>({1, 4, 4, 2}, pixels);
  const Tensor patches = patches_of(images, Tensor::from<int64_t>({1, 2}, std::vector<int64_t>{3, 0}), 2);
  EXPECT_EQ(patches.shape(), (Shape{1, 2, 8}));
  EXPECT_EQ(patches.to_vector(),
            (std::vector<double>{100, 101, 110, 111, 140, 141, 150, 151, 0, 1, 10, 11, 40, 41, 50, 51}));
}

TEST(Patches, OfAVariableCarryGradientsBackToTheirPixels) {
  const Variable images = Variable::leaf(random_tensor({2, 4, 4, 3}, 1));
  const Tensor cells = Tensor::from<int64_t>({2, 1}, std::vector<int64_t>{1, 2});
  backward(sum(patches_of(images, cells, 2)));
  const std::vector<double> gradient = images.grad().to_vector();
  for (size_t i = 0; i < gradient.size(); ++i) {
    const size_t image = i / 48, row = i / 12 % 4, column = i / 3 % 4;
    const bool chosen = image == 0 ? row < 2 && column >= 2 : row >= 2 && column < 2;
    EXPECT_EQ(gradient[i], chosen ? 1 : 0) << i;
  }
}

TEST(Patches, NormalisedByTheUnbiasedVariance) {
  const Tensor patches = random_tensor({3, 2, 12}, 2).to(DType::f64), normal = normalized_patches(patches);
  const std::vector<double> x = patches.to_vector(), y = normal.to_vector();
  for (size_t row = 0; row < 6; ++row) {
    double mean = 0, square = 0;
    for (size_t d = 0; d < 12; ++d) mean += x[row * 12 + d] / 12;
    for (size_t d = 0; d < 12; ++d) square += std::pow(x[row * 12 + d] - mean, 2);
    for (size_t d = 0; d < 12; ++d)
      EXPECT_NEAR(y[row * 12 + d], (x[row * 12 + d] - mean) / std::sqrt(square / 11 + 1e-6), 1e-12);
  }
  EXPECT_EQ(normalized_patches(Tensor::full({1, 1, 4}, 5)).to_vector(), std::vector<double>(4)) << "a flat patch";
  EXPECT_EQ(normalized_patches(patches.to(DType::bf16)).dtype(), DType::f32);
}

}  // namespace
}  // namespace minissl
