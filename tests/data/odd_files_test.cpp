#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

#include "data/decode/decode.h"
#include "data/loader.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

// Files that are hard to load or must be refused, with the expected outcomes. Not part of the project.
class OddFiles : public testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("MINISSL_TEST_DATA");
    folder_ = fs::path(data ? data : MINISSL_SOURCE_DIR "/../shared/data") / "odd";
    if (!fs::exists(folder_ / "expected.csv")) GTEST_SKIP() << "no " << folder_ << "; set MINISSL_TEST_DATA";
  }
  double mean(const std::string& name, int64_t channel = 0) const {
    const Image image = read_image(folder_ / name);
    double sum = 0;
    for (int64_t i = channel; i < image.pixels.numel(); i += image.channels()) sum += image.pixels.at(i);
    return sum / static_cast<double>(image.width() * image.height());
  }
  fs::path folder_;
};

TEST_F(OddFiles, HaveTheOutcomeExpected) {
  std::ifstream table(folder_ / "expected.csv");
  std::string line;
  std::getline(table, line);
  int files = 0;
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string name, outcome, width, height;
    std::getline(fields, name, ','), std::getline(fields, outcome, ','), std::getline(fields, width, ',');
    std::getline(fields, height, ',');
    ++files;
    try {
      const Image image = read_image(folder_ / name);
      EXPECT_NE(outcome, "refuse") << name;
      const std::set<int64_t> stated{std::stoll(width), std::stoll(height)};
      EXPECT_EQ(stated, (std::set<int64_t>{image.width(), image.height()})) << name;
      // Images that load must survive every later step.
      for (int64_t i = 0; i < 20; ++i) {
        const auto view = draw_view({}, image.height(), image.width(), 32, 0, 0, i, 0);
        for (const double v : render_view(image, view, Normalization::none()).to_vector())
          ASSERT_TRUE(v >= 0 && v <= 1);
      }
      EXPECT_EQ(evaluation_view(image, 224, Normalization::none()).dim(0), 224) << name;
    } catch (const ImageError& error) {
      EXPECT_NE(outcome, "load") << error.what();
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
    }
  }
  EXPECT_GE(files, 20);
}

TEST_F(OddFiles, LookAsTheyShould) {
  EXPECT_NEAR(mean("valid_gray8.png"), 139.6, 0.1);
  EXPECT_NEAR(mean("valid_gray8.jpg"), 139.6, 0.1);
  EXPECT_NEAR(mean("progressive.jpg"), 139.6, 0.1);
  EXPECT_NEAR(mean("gray16_12bit_range.png"), 2412.5 / 4095, 1e-3);
  EXPECT_NEAR(mean("gray16_full_range.png"), 0.589, 1e-3);
  const double cmyk[3] = {162, 152, 138}, palette[3] = {162.3, 152.0, 136.9};
  for (int64_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(mean("cmyk.jpg", c), cmyk[c], 1.5);
    EXPECT_NEAR(mean("palette.png", c), palette[c], 0.1);
  }
  const Image rgba = read_image(folder_ / "rgba.png");
  EXPECT_EQ(rgba.channels(), 3);
  EXPECT_EQ(rgba.pixels.at(0), 0);  // not the magenta beneath
}

TEST_F(OddFiles, OrientationIsApplied) {
  const Image image = read_image(folder_ / "exif_rotated.jpg");
  const Image upright = read_image(folder_ / "exif_rotated_upright_reference.jpg");
  ASSERT_EQ(image.pixels.shape(), upright.pixels.shape());
  double difference = 0;
  for (int64_t i = 0; i < image.pixels.numel(); ++i) difference += std::fabs(image.pixels.at(i) - upright.pixels.at(i));
  EXPECT_LT(difference / static_cast<double>(image.pixels.numel()), 1.0);
}

TEST_F(OddFiles, AsAFolderAreCountedAndSkipped) {
  const auto dataset = open_dataset(folder_.string(), 3, 0);
  LoaderOptions options;
  options.batch = 8, options.size = 32, options.max_bad_fraction = 0.5;
  EvaluationLoader loader(*dataset, options);
  int64_t images = 0;
  while (auto batch = loader.next()) images += batch->images.dim(0);
  EXPECT_EQ(loader.bad_files().size(), 4u);
  EXPECT_EQ(images, dataset->size() - 4);
}

}  // namespace
}  // namespace minissl
