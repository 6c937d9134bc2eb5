#include "data/white_level.h"

#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/dataset.h"
#include "data/decode/decode.h"
#include "tensor/atomic_file.h"
#include "tests/data/fixture_files.h"
#include "tests/data/image_files.h"

namespace minissl {
namespace {

LevelCounts counts_of(const std::vector<uint16_t>& values) {
  LevelCounts counts;
  counts.add(values);
  return counts;
}

std::vector<uint16_t> plain(uint16_t value, size_t count = 32 * 32) { return std::vector<uint16_t>(count, value); }

TEST(WhiteLevel, IsTheSmallestThatHoldsTheValues) {
  EXPECT_EQ(LevelCounts().white(), 0);
  for (const auto& [largest, white] : std::map<uint16_t, int>{{0, 255},
                                                              {255, 255},
                                                              {256, 1023},
                                                              {1023, 1023},
                                                              {1024, 4095},
                                                              {4095, 4095},
                                                              {4096, 16383},
                                                              {16383, 16383},
                                                              {16384, 65535},
                                                              {65535, 65535}})
    EXPECT_EQ(counts_of({0, largest}).white(), white) << largest;
}

TEST(WhiteLevel, OneValueInAThousandMayExceedIt) {
  auto values = plain(900, 1000);
  values[7] = 4095;
  EXPECT_EQ(counts_of(values).white(), 1023);
  values[8] = 4095;
  EXPECT_EQ(counts_of(values).white(), 4095);
}

class WhiteLevelOfFolder : public testing::Test {
 protected:
  void add(const std::string& name, const std::string& content) const { write_file(folder_.file(name), content); }
  void add16(const std::string& name, const std::vector<uint16_t>& values) const {
    add(name, test::png16(32, 32, 1, values));
  }
  std::unique_ptr<Dataset> open(int max_value = 0) const {
    return open_dataset(folder_.path().string(), 1, 0, max_value);
  }
  test::TemporaryFolder folder_;
};

TEST_F(WhiteLevelOfFolder, IsOneForAllImages) {
  auto burnt_in = plain(900);
  burnt_in[5] = 4095;
  add16("a.png", plain(900));
  add16("b.png", burnt_in);
  add16("c.png", plain(200));
  const auto dataset = open();
  EXPECT_EQ(dataset->max_value(), 1023);
  EXPECT_FLOAT_EQ(static_cast<float>(dataset->load(0).pixels.at(0)), 900.0f / 1023);
  EXPECT_FLOAT_EQ(static_cast<float>(dataset->load(1).pixels.at(0)), 900.0f / 1023);
  EXPECT_FLOAT_EQ(static_cast<float>(dataset->load(1).pixels.at(5)), 1);
  EXPECT_FLOAT_EQ(static_cast<float>(dataset->load(2).pixels.at(0)), 200.0f / 1023);
  EXPECT_EQ(open(4095)->max_value(), 4095);
}

TEST_F(WhiteLevelOfFolder, IsThatOfEightBitsStoredInSixteen) {
  add16("a.png", plain(200));
  EXPECT_EQ(open()->max_value(), 255);
}

TEST_F(WhiteLevelOfFolder, IsOfNoConcernToOtherImages) {
  add("a.png", test::png(8, 8, 1, test::gradient(8, 8, 1)));
  add("b.jpg", test::jpeg(8, 8, 1, test::gradient(8, 8, 1)));
  EXPECT_EQ(open()->max_value(), 0);
  EXPECT_TRUE(open()->levels(0).empty());
}

TEST_F(WhiteLevelOfFolder, DoesNotFailForUnreadableImages) {
  const std::string good = test::png16(32, 32, 1, plain(3000));
  add("a.png", good.substr(0, good.size() - 20));
  add("b.png", good);
  EXPECT_EQ(open()->max_value(), 4095);
}

TEST_F(WhiteLevelOfFolder, LooksAtImagesFromAllOverTheDataSet) {
  for (int i = 0; i < 600; ++i) add16(fmt::format("{:03}.png", i), plain(i < 300 ? 500 : 3000));
  EXPECT_EQ(open()->max_value(), 4095);
}

TEST(LevelsOfImage, AreThoseOfFilesThatDoNotSayWhatIsWhite) {
  const auto white = [](const std::string& name) {
    return levels_of_image(std::as_bytes(std::span(test::fixture_files(name).at(0).bytes))).white();
  };
  EXPECT_EQ(white("pgm_16bit"), 65535);
  EXPECT_EQ(white("pgm_1000"), 0);
  EXPECT_EQ(white("pgm_text"), 0);
  EXPECT_EQ(white("dicom_16bit"), 0);
}

TEST(LevelsOfImage, FaultsHaveOneRange) {
  const char* data = std::getenv("MINISSL_TEST_DATA");
  const auto folder = std::filesystem::path(data ? data : MINISSL_SOURCE_DIR "/../shared/data") / "faults" / "range16";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder << "; set MINISSL_TEST_DATA";
  const auto dataset = open_dataset(folder.string(), 1, 0);
  EXPECT_EQ(dataset->max_value(), 1023);
  // Pillow's values: two pictures of one detector, a burnt-in pixel, and the same with fewer levels.
  const std::vector<double> first = {1004, 1005, 888, 4095, 222};
  for (int64_t i = 0; i < dataset->size(); ++i)
    EXPECT_NEAR(dataset->load(i).pixels.at(0) * 1023, std::min(first[static_cast<size_t>(i)], 1023.0), 0.01) << i;
}

}  // namespace
}  // namespace minissl
