#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/decode/decode.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// Files that were once read wrongly, with what Pillow reads. Not part of the project.
class Faults : public testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("MINISSL_TEST_DATA");
    folder_ = fs::path(data ? data : MINISSL_SOURCE_DIR "/../shared/data") / "faults";
    if (!fs::exists(folder_ / "MANIFEST.md")) GTEST_SKIP() << "no " << folder_ << "; set MINISSL_TEST_DATA";
  }
  Image read(const std::string& name) const { return read_image(folder_ / name); }
  std::string reason(const std::string& name) const {
    try {
      read(name);
    } catch (const ImageError& error) {
      return error.reason();
    }
    return "decoded";
  }
  static double mean(const Image& image, int64_t channel) {
    double sum = 0;
    for (int64_t i = channel; i < image.pixels.numel(); i += image.channels()) sum += image.pixels.at(i);
    return sum / static_cast<double>(image.width() * image.height());
  }
  static void expect_pillow(const Image& image, std::vector<double> means, std::vector<double> first_values) {
    for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(mean(image, static_cast<int64_t>(c)), means[c], 0.5);
    for (size_t i = 0; i < first_values.size(); ++i)
      EXPECT_NEAR(image.pixels.at(static_cast<int64_t>(i)), first_values[i], 1);
  }
  fs::path folder_;
};

TEST_F(Faults, CmykWithAndWithoutAdobesMarkerIsThePictureThatPillowReads) {
  for (const char* name : {"cmyk/f_cmyk_adobe.jpg", "cmyk/g_cmyk_nomarker.jpg"})
    expect_pillow(read(name), {126.944, 125.985, 126.446}, {222, 187, 29, 226, 190, 28});
}

TEST_F(Faults, AJpegThatLacksItsEndMarkerIsRead) {
  for (const char* name : {"no_eoi/d_noeoi_trailer.jpg", "no_eoi/e_noeoi_zeros.jpg"})
    expect_pillow(read(name), {126.972, 125.974, 126.441}, {223, 188, 24, 225, 192, 29});
}

TEST_F(Faults, AnIndexBeyondThePaletteIsBlackWhateverCameBefore) {
  const Image alone = read("palette/b.png");
  EXPECT_EQ(alone.pixels.at(0) + alone.pixels.at(1) + alone.pixels.at(2), 0);
  read("palette/a.png");
  const Image after = read("palette/b.png");
  EXPECT_EQ(after.pixels.to_vector(), alone.pixels.to_vector());
  EXPECT_NEAR(mean(after, 0), 108.0156, 1e-3);
}

TEST_F(Faults, WrongDeflateCodesAreRefusedEveryTime) {
  for (int i = 0; i < 8; ++i) {
    EXPECT_THAT(reason("png_uninit/png_distance30.png"), HasSubstr("damaged"));
    EXPECT_THAT(reason("png_uninit/png_deflate_block3.png"), HasSubstr("damaged"));
  }
}

TEST_F(Faults, ReasonsHoldNoBytesOfTheFile) {
  for (const char c : reason("names_json/garbage_chunk_name.png")) EXPECT_TRUE(' ' <= c && c <= '~');
}

}  // namespace
}  // namespace minissl
