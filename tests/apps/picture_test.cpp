#include "apps/run/picture.h"

#include <cmath>
#include <limits>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#include <stb/stb_image.h>

#include "tensor/atomic_file.h"
#include "tests/apps/temporary_folder.h"

namespace minissl {
namespace {

class PictureTest : public TemporaryFolder {};

/// Decodes with another library's decoder, channels as stored.
Tensor decode(const std::string& png) {
  int width = 0, height = 0, channels = 0;
  stbi_uc* pixels = stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(png.data()), static_cast<int>(png.size()),
                                          &width, &height, &channels, 0);
  require(pixels != nullptr, "not decoded: {}", stbi_failure_reason());
  const Tensor image = Tensor::from<uint8_t>(
      {height, width, channels},
      std::span<const uint8_t>(pixels, static_cast<size_t>(width) * static_cast<size_t>(height * channels)));
  stbi_image_free(pixels);
  return image;
}

Tensor noise(const Shape& shape) {
  const Tensor image = Tensor::empty(shape, DType::u8);
  uint32_t state = 7;
  for (int64_t i = 0; i < image.numel(); ++i) {
    state = state * 1664525u + 1013904223u;
    image.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(state >> 24);
  }
  return image;
}

void expect_same(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.shape(), b.shape());
  EXPECT_EQ(a.to_vector(), b.to_vector());
}

TEST_F(PictureTest, PngDecodesToTheSamePixels) {
  for (const Shape& shape : {Shape{5, 7, 1}, Shape{1, 1, 1}, Shape{16, 9, 2}, Shape{33, 20, 3}, Shape{3, 64, 4}}) {
    const Tensor image = noise(shape);
    expect_same(decode(encode_png(image)), image);
    EXPECT_EQ(encode_png(image), encode_png(image.clone()));
  }
}

TEST_F(PictureTest, WritesAFile) {
  const Tensor image = noise({8, 8, 3});
  write_png(folder_ / "x.png", image);
  expect_same(decode(read_file(folder_ / "x.png")), image);
  EXPECT_NE(error_of([&] { write_png(folder_ / "no" / "x.png", image); }).find("x.png"), std::string::npos);
}

TEST_F(PictureTest, RefusesWhatIsNoPicture) {
  EXPECT_NE(error_of([] { encode_png(Tensor::zeros({4, 4, 5}, DType::u8)); }).find("u8[4, 4, 5]"), std::string::npos);
  EXPECT_NE(error_of([] { encode_png(Tensor::zeros({4, 4, 3})); }).find("f32[4, 4, 3]"), std::string::npos);
  EXPECT_NE(error_of([] { encode_png(Tensor::zeros({0, 4, 3}, DType::u8)); }).find("u8[0, 4, 3]"), std::string::npos);
}

TEST_F(PictureTest, UndoesTheNormalisationOfEachChannel) {
  const Normalization normalization{.mean = {0.5f, 0.25f, 0.0f}, .std = {0.5f, 0.25f, 1.0f}};
  // The pixels 0, 51, 255 of each channel, normalised.
  std::vector<float> values;
  for (float pixel : {0.0f, 51.0f, 255.0f})
    for (size_t c = 0; c < 3; ++c) values.push_back((pixel / 255 - normalization.mean[c]) / normalization.std[c]);
  const Tensor pixels = to_pixels(Tensor::from<float>({1, 1, 3, 3}, values), normalization);
  EXPECT_EQ(pixels.to_vector(), (std::vector<double>{0, 0, 0, 51, 51, 51, 255, 255, 255}));
}

TEST_F(PictureTest, ClampsAndSurvivesNaN) {
  const float infinity = std::numeric_limits<float>::infinity();
  const Tensor pixels =
      to_pixels(Tensor::from<float>({1, 1, 5, 1}, std::vector<float>{-1, 2, std::nanf(""), infinity, -infinity}));
  EXPECT_EQ(pixels.to_vector(), (std::vector<double>{0, 255, 0, 255, 0}));
  EXPECT_NE(error_of([] { to_pixels(Tensor::zeros({1, 1, 1, 2})); }).find("1 or 3 channels"), std::string::npos);
}

TEST_F(PictureTest, TilesPairsInRowsWithTransparentGaps) {
  // Three images of 1 x 2 pixels, two views each, two groups in a row, a gap of 1 and thus of 3 between groups.
  const Tensor first = Tensor::from<uint8_t>({3, 1, 2, 1}, std::vector<uint8_t>{1, 2, 3, 4, 5, 6});
  const Tensor second = Tensor::from<uint8_t>({3, 1, 2, 1}, std::vector<uint8_t>{11, 12, 13, 14, 15, 16});
  const Tensor sheet = tile({first, second}, 2, 1);
  ASSERT_EQ(sheet.shape(), (Shape{5, 13, 2}));
  const auto row = [&](int64_t y) {
    std::vector<int> values;  // -1 where transparent
    for (int64_t x = 0; x < 13; ++x) {
      const double value = sheet.at((y * 13 + x) * 2), alpha = sheet.at((y * 13 + x) * 2 + 1);
      EXPECT_TRUE(alpha == 0 || alpha == 255);
      values.push_back(alpha == 255 ? static_cast<int>(value) : -1);
    }
    return values;
  };
  EXPECT_EQ(row(0), (std::vector<int>{1, 2, -1, 11, 12, -1, -1, -1, 3, 4, -1, 13, 14}));
  for (int64_t y : {1, 2, 3}) EXPECT_EQ(row(y), std::vector<int>(13, -1));
  EXPECT_EQ(row(4), (std::vector<int>{5, 6, -1, 15, 16, -1, -1, -1, -1, -1, -1, -1, -1}));
}

TEST_F(PictureTest, TilesColour) {
  const Tensor views = noise({1, 4, 6, 3});
  const Tensor sheet = tile({views}, 8, 2);  // more columns than images: no empty ones
  ASSERT_EQ(sheet.shape(), (Shape{4, 6, 4}));
  for (int64_t i = 0; i < 24; ++i) {
    for (int64_t c = 0; c < 3; ++c) EXPECT_EQ(sheet.at(i * 4 + c), views.at(i * 3 + c));
    EXPECT_EQ(sheet.at(i * 4 + 3), 255);
  }
}

// Crops of several sizes, as multi-crop methods have them.
TEST_F(PictureTest, TilesViewsOfSeveralSizes) {
  const Tensor large = noise({2, 4, 5, 1}), small = noise({2, 2, 3, 1});
  const Tensor sheet = tile({large, small}, 2, 1);
  ASSERT_EQ(sheet.shape(), (Shape{4, 2 * (5 + 1 + 3) + 3, 2}));
  const auto pixel = [&](int64_t y, int64_t x, int64_t c) { return sheet.at((y * sheet.dim(1) + x) * 2 + c); };
  for (int64_t i = 0; i < 2; ++i) {
    const int64_t left = i * 12;
    for (int64_t y = 0; y < 4; ++y)
      for (int64_t x = 0; x < 5; ++x) EXPECT_EQ(pixel(y, left + x, 0), large.at((i * 4 + y) * 5 + x));
    for (int64_t y = 0; y < 4; ++y)
      for (int64_t x = 0; x < 3; ++x) {
        EXPECT_EQ(pixel(y, left + 6 + x, 1), y < 2 ? 255 : 0) << "transparent below the smaller view";
        if (y < 2) {
          EXPECT_EQ(pixel(y, left + 6 + x, 0), small.at((i * 2 + y) * 3 + x));
        }
      }
  }
}

TEST_F(PictureTest, TileRefusesViewsThatDiffer) {
  EXPECT_NE(error_of([] {
              tile({noise({2, 4, 4, 1}), noise({3, 4, 4, 1})}, 1, 1);
            }).find("differ in images or channels"),
            std::string::npos);
  EXPECT_FALSE(error_of([] { tile({}, 1, 1); }).empty());
  EXPECT_FALSE(error_of([] { tile({noise({2, 4, 4, 2})}, 1, 1); }).empty());
}

}  // namespace
}  // namespace minissl
