#include "data/decode/decode.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/decode/exif.h"
#include "data/decode/jpeg_scans.h"
#include "tensor/atomic_file.h"
#include "tensor/random.h"
#include "tests/data/image_files.h"

namespace minissl {
namespace {

using test::gradient;
using testing::HasSubstr;

Image decode(const std::string& content, const DecodeOptions& options = {}) {
  return decode_image(std::as_bytes(std::span(content)), options);
}

std::string reason_of(const std::string& content, const DecodeOptions& options = {}) {
  try {
    decode(content, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "decoded";
}

std::vector<uint8_t> bytes_of(const Image& image) {
  const auto span = image.pixels.span<uint8_t>();
  return {span.begin(), span.end()};
}

double mean_difference(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  EXPECT_EQ(a.size(), b.size());
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

TEST(Png, EightBitGrayAndRgbExactly) {
  for (const int channels : {1, 3}) {
    const auto pixels = gradient(17, 11, channels);
    const Image image = decode(test::png(17, 11, channels, pixels));
    EXPECT_EQ(image.pixels.shape(), (Shape{11, 17, channels}));
    EXPECT_EQ(bytes_of(image), pixels);
  }
}

TEST(Png, AlphaIsCompositedOnBlack) {
  const Image rgb = decode(test::png(3, 1, 4, {200, 100, 50, 255, 200, 100, 50, 51, 255, 0, 255, 0}));
  EXPECT_EQ(bytes_of(rgb), (std::vector<uint8_t>{200, 100, 50, 40, 20, 10, 0, 0, 0}));
  const Image gray = decode(test::png(2, 1, 2, {200, 51, 200, 255}));
  EXPECT_EQ(bytes_of(gray), (std::vector<uint8_t>{40, 200}));
  const Image deep = decode(test::png16(1, 1, 2, {60000, 32768}), {0, 65535});
  EXPECT_NEAR(deep.pixels.at(0), 60000.0 / 65535 * 32768 / 65535, 1e-5);
}

TEST(Png, PaletteBecomesColours) {
  const std::string palette("\x0a\x14\x1e\xc8\x64\x32", 6);
  const Image image = decode(test::png_of(2, 1, 8, 3, std::string("\0\1\0", 3), "PLTE", palette));
  EXPECT_EQ(bytes_of(image), (std::vector<uint8_t>{200, 100, 50, 10, 20, 30}));
}

TEST(Png, OneBitGrayUsesTheWholeRange) {
  EXPECT_EQ(bytes_of(decode(test::png_of(4, 1, 1, 0, std::string("\0\xa0", 2)))),
            (std::vector<uint8_t>{255, 0, 255, 0}));
}

TEST(Png, SixteenBitsKeepEveryLevel) {
  std::vector<uint16_t> pixels(64 * 64);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint16_t>(16 * i + 15);
  const Image image = decode(test::png16(64, 64, 1, pixels));
  ASSERT_EQ(image.pixels.dtype(), DType::f32);
  for (size_t i = 0; i < pixels.size(); ++i)
    ASSERT_FLOAT_EQ(image.pixels.data<float>()[i], static_cast<float>(pixels[i]) / 65535.0f);
}

TEST(Png, RangeOfSixteenBitSources) {
  const auto white = [](uint16_t largest, int max_value) {
    return decode(test::png16(2, 1, 1, {0, largest}), {0, max_value}).pixels.at(1);
  };
  // The smallest of 10, 12, 14 and 16 bits that holds the largest value.
  EXPECT_NEAR(white(1023, 0), 1, 1e-6);
  EXPECT_NEAR(white(1024, 0), 1024.0 / 4095, 1e-6);
  EXPECT_NEAR(white(4095, 0), 1, 1e-6);
  EXPECT_NEAR(white(4096, 0), 4096.0 / 16383, 1e-6);
  EXPECT_NEAR(white(16383, 0), 1, 1e-6);
  EXPECT_NEAR(white(16384, 0), 16384.0 / 65535, 1e-6);
  EXPECT_NEAR(white(0, 0), 0, 1e-6);
  // Stated by the user; larger values are clipped.
  EXPECT_NEAR(white(2000, 4095), 2000.0 / 4095, 1e-6);
  EXPECT_NEAR(white(5000, 4095), 1, 1e-6);
  EXPECT_THAT(reason_of(test::png16(1, 1, 1, {7}), {0, -1}), HasSubstr("`max-value`"));
}

TEST(Png, EveryFlippedByteOfTheContentIsNoticed) {
  const std::string good = test::png(16, 16, 1, gradient(16, 16, 1));
  for (size_t i = 8; i + 12 < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    EXPECT_NE(reason_of(bad), "decoded") << "byte " << i;
  }
}

TEST(Png, HeaderBombsAreRefusedFromTheHeader) {
  EXPECT_THAT(reason_of(test::png_of(60000, 60000, 8, 0, "x")), HasSubstr("60000 x 60000"));
  EXPECT_THAT(reason_of(test::png_of(100'000'001, 1, 8, 0, "x")), HasSubstr("100000001 x 1"));
  EXPECT_THAT(reason_of(test::png_of(0, 5, 8, 0, "x")), HasSubstr("0 x 5"));
}

TEST(Png, AStreamThatInflatesBeyondItsPictureIsNotInflatedToItsEnd) {
  // 2 pixels in the header, 64 MB in the stream.
  std::string rows(size_t{64} << 20, '\0');
  rows[1] = 7, rows[2] = 9;
  EXPECT_EQ(bytes_of(decode(test::png_of(2, 1, 8, 0, rows))), (std::vector<uint8_t>{7, 9}));
}

TEST(Png, CompressedDataLongerThanItsPictureIsRefusedBeforeItIsInflated) {
  std::string noise(size_t{4} << 20, '\0');
  const Random random(6, RandomSite::test);
  for (size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<char>(random.below(static_cast<uint32_t>(i), 256));
  EXPECT_THAT(reason_of(test::png_of(100, 100, 8, 2, noise)),
              HasSubstr("its rows take 30100 bytes, but its compressed data 41"));
}

TEST(Png, TooFewPixelsAreRefused) {
  EXPECT_THAT(reason_of(test::png_of(100, 100, 8, 0, std::string(50, '\0'))), HasSubstr("damaged"));
}

TEST(Jpeg, GrayAndRgbClosely) {
  for (const int channels : {1, 3})
    for (const bool progressive : {false, true}) {
      const auto pixels = gradient(40, 24, channels);
      const Image image = decode(test::jpeg(40, 24, channels, pixels, {95, progressive}));
      EXPECT_EQ(image.pixels.shape(), (Shape{24, 40, channels}));
      EXPECT_LT(mean_difference(bytes_of(image), pixels), 1.5);
    }
}

TEST(Jpeg, ProgressiveIsTheSamePicture) {
  const auto pixels = gradient(40, 24, 3);
  EXPECT_EQ(bytes_of(decode(test::jpeg(40, 24, 3, pixels, {90, false}))),
            bytes_of(decode(test::jpeg(40, 24, 3, pixels, {90, true}))));
}

// The content with its last scan `count` times more.
std::string with_scans(const std::string& content, int count) {
  const auto last = content.rfind("\xff\xda");
  const std::string scan = content.substr(last, content.size() - 2 - last);
  std::string result = content.substr(0, content.size() - 2);
  for (int i = 0; i < count; ++i) result += scan;
  return result + "\xff\xd9";
}

TEST(Jpeg, ScansAreLimited) {
  test::JpegOptions separate, progressive;
  separate.separate_scans = true;
  progressive.bands = 1;
  for (const auto& options : {separate, progressive}) {
    const std::string content = test::jpeg(16, 16, 3, gradient(16, 16, 3), options);
    EXPECT_EQ(reason_of(content), "decoded");
    EXPECT_EQ(reason_of(with_scans(content, 80)), "decoded");
    EXPECT_THAT(reason_of(with_scans(content, 600)), HasSubstr("its scans visit each block 20"));
  }
}

TEST(Jpeg, AProgressiveBombIsRefusedAtOnce) {
  test::JpegOptions options;
  options.bands = 1;
  const std::string content = test::jpeg(6000, 6000, 1, std::vector<uint8_t>(36'000'000, 100), options);
  const std::string bomb = with_scans(content, 4000);
  EXPECT_LT(bomb.size(), 1'000'000U);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_THAT(reason_of(bomb), HasSubstr("more than the 32 that are decoded"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
}

TEST(Jpeg, ALargePhotographOfManyScansIsDecoded) {
  test::JpegOptions options;
  options.bands = 4, options.refinements = 2;
  const std::string content = test::jpeg(3000, 2000, 3, gradient(3000, 2000, 3), options);
  EXPECT_LT(mean_difference(bytes_of(decode(content)), gradient(3000, 2000, 3)), 1.5);
}

TEST(Jpeg, PassesAreCountedByMarkersAlone) {
  const auto passes = [](const std::string& content) { return passes_of_jpeg(std::as_bytes(std::span(content))); };
  const auto pixels = gradient(40, 24, 3);
  EXPECT_DOUBLE_EQ(passes(test::jpeg(40, 24, 3, pixels)), 1);
  EXPECT_DOUBLE_EQ(passes(test::jpeg(40, 24, 3, pixels, {.separate_scans = true})), 1);
  EXPECT_DOUBLE_EQ(passes(test::jpeg(40, 24, 3, pixels, {.bands = 4, .refinements = 2})), 7);
  EXPECT_DOUBLE_EQ(passes(test::jpeg(40, 24, 1, gradient(40, 24, 1), {.progressive = true})), 6);
  // An Exif block may hold a picture of its own.
  std::string with_thumbnail = test::jpeg(40, 24, 3, pixels, {.orientation = 3});
  with_thumbnail.replace(with_thumbnail.find("Exif") + 28, 2, "\xff\xda");
  EXPECT_DOUBLE_EQ(passes(with_thumbnail), 1);
  EXPECT_EQ(passes("\xff\xd8\xff\xda"), 0);
  EXPECT_EQ(passes(""), 0);
}

// A JPEG of each kind that libjpeg decodes differently.
std::vector<std::string> kinds_of_jpeg() {
  const auto pixels = gradient(64, 64, 3);
  return {test::jpeg(64, 64, 3, pixels), test::jpeg(64, 64, 3, pixels, {.progressive = true}),
          test::jpeg(64, 64, 3, pixels, {.separate_scans = true}), test::jpeg(64, 64, 1, gradient(64, 64, 1))};
}

TEST(Jpeg, TheEndMarkerMayBeMissing) {
  for (const std::string& whole : kinds_of_jpeg()) {
    const auto pixels = bytes_of(decode(whole));
    const std::string without = whole.substr(0, whole.size() - 2);
    EXPECT_EQ(bytes_of(decode(without)), pixels);
    EXPECT_EQ(bytes_of(decode(without + "\xff")), pixels);
    EXPECT_EQ(bytes_of(decode(whole + "bytes of a camera, \xff\xd8\xff\xda among them")), pixels);
    EXPECT_EQ(bytes_of(decode(whole + std::string(1000, '\0'))), pixels);
  }
  const std::string whole = kinds_of_jpeg()[0];
  EXPECT_EQ(bytes_of(decode(whole.substr(0, whole.size() - 2) + std::string(1000, '\0'))), bytes_of(decode(whole)));
  EXPECT_EQ(bytes_of(decode(whole.substr(0, whole.size() - 2) + "\xff\x01SEFH trailer")), bytes_of(decode(whole)));
}

TEST(Jpeg, MissingPixelsAreNotedWithoutAnEndMarker) {
  for (const std::string& whole : kinds_of_jpeg()) {
    const auto last_scan = whole.rfind("\xff\xda");
    // One byte may hold nothing but filling bits.
    for (size_t cut = 4; cut < whole.size() - 20; cut += 7) {
      EXPECT_THAT(reason_of(whole.substr(0, whole.size() - cut)), HasSubstr("cut short")) << cut;
      if (whole.size() - cut > last_scan + 100) {
        EXPECT_THAT(reason_of(whole.substr(0, whole.size() - cut - 50) + std::string(cut + 50, '\0')),
                    HasSubstr("cut short"))
            << cut;
      }
    }
  }
  for (const size_t kind : {1, 2}) {
    const std::string whole = kinds_of_jpeg()[kind];
    EXPECT_THAT(reason_of(whole.substr(0, whole.rfind("\xff\xda"))), HasSubstr("scans are missing"));
  }
}

TEST(Jpeg, CmykIsTheSameWithoutAdobesMarker) {
  std::vector<uint8_t> inks;
  for (int i = 0; i < 64; ++i) inks.insert(inks.end(), {255, 51, 102, 204});
  std::string content = test::jpeg(8, 8, 4, inks, {.quality = 100, .cmyk = true});
  const auto with = bytes_of(decode(content));
  const auto marker = content.find("\xff\xee");
  ASSERT_NE(marker, std::string::npos);
  content.erase(marker, 16);
  EXPECT_EQ(bytes_of(decode(content)), with);
}

TEST(Jpeg, AdobeCmykIsConverted) {
  // Red, as inverted inks with a little black.
  std::vector<uint8_t> inks;
  for (int i = 0; i < 64; ++i) inks.insert(inks.end(), {255, 51, 102, 204});
  const Image image = decode(test::jpeg(8, 8, 4, inks, {100, false, 0, true}));
  ASSERT_EQ(image.channels(), 3);
  EXPECT_NEAR(image.pixels.at(0), 204, 3);
  EXPECT_NEAR(image.pixels.at(1), 51 * 0.8, 3);
  EXPECT_NEAR(image.pixels.at(2), 102 * 0.8, 3);
}

// Where the stored corner (0, 0) and the stored end of the first row, (W - 1, 0), appear: the definition of the Exif
// tag.
TEST(Exif, AllEightOrientations) {
  struct Corner {
    bool right, bottom;
  };
  const Corner origin[9] = {{}, {0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 0}, {1, 0}, {1, 1}, {0, 1}};
  const Corner row_end[9] = {{}, {1, 0}, {0, 0}, {0, 1}, {1, 1}, {0, 1}, {1, 1}, {1, 0}, {0, 0}};
  const int width = 48, height = 32;
  std::vector<uint8_t> pixels(width * height, 60);
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 8; ++x)
      pixels[static_cast<size_t>(y * width + x)] = 250, pixels[static_cast<size_t>(y * width + width - 1 - x)] = 150;
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Image image = decode(test::jpeg(width, height, 1, pixels, {95, false, orientation}));
    const bool transposed = orientation >= 5;
    ASSERT_EQ(image.width(), transposed ? height : width) << orientation;
    ASSERT_EQ(image.height(), transposed ? width : height) << orientation;
    const auto at = [&](Corner c) {
      const int64_t x = c.right ? image.width() - 3 : 2, y = c.bottom ? image.height() - 3 : 2;
      return image.pixels.at(y * image.width() + x);
    };
    EXPECT_NEAR(at(origin[orientation]), 250, 6) << orientation;
    EXPECT_NEAR(at(row_end[orientation]), 150, 6) << orientation;
  }
}

TEST(Exif, DamagedBlocksAreIgnored) {
  EXPECT_EQ(exif_orientation({}), 1);
  const std::string garbage = "Exif" + std::string(2, '\0') + "MM\x01\x02garbage that is no TIFF";
  EXPECT_EQ(exif_orientation(std::as_bytes(std::span(garbage))), 1);
}

TEST(Decode, TruncatedAnywhereIsRefused) {
  const auto pixels = gradient(64, 64, 3);
  for (const auto& whole :
       {test::png(64, 64, 3, pixels), test::jpeg(64, 64, 3, pixels), test::jpeg(64, 64, 3, pixels, {95, true})})
    for (size_t tenth = 0; tenth < 10; ++tenth) {
      const std::string cut = whole.substr(0, whole.size() * tenth / 10);
      EXPECT_NE(reason_of(cut), "decoded") << tenth << " tenths of " << whole.size() << " bytes";
    }
}

TEST(Decode, ReasonsAreForPeople) {
  EXPECT_EQ(reason_of(""), "the file is empty");
  EXPECT_THAT(reason_of("This is no image, whatever its name says."), HasSubstr("not an image of a known format"));
  EXPECT_THAT(reason_of(test::png(4, 4, 1, gradient(4, 4, 1)).substr(0, 50)), HasSubstr("cut short"));
  EXPECT_THAT(reason_of(test::jpeg(64, 64, 1, gradient(64, 64, 1)).substr(0, 700)), HasSubstr("cut short"));
}

TEST(Decode, ChannelsAsAsked) {
  const std::string gray = test::png(5, 4, 1, gradient(5, 4, 1)), rgb = test::png(5, 4, 3, gradient(5, 4, 3));
  const Image tripled = decode(gray, {3, 0});
  ASSERT_EQ(tripled.channels(), 3);
  for (int64_t i = 0; i < 20; ++i) {
    EXPECT_EQ(tripled.pixels.at(3 * i), gradient(5, 4, 1)[static_cast<size_t>(i)]);
    EXPECT_EQ(tripled.pixels.at(3 * i), tripled.pixels.at(3 * i + 2));
  }
  const Image luma = decode(rgb, {1, 0}), colour = decode(rgb);
  ASSERT_EQ(luma.channels(), 1);
  for (int64_t i = 0; i < 20; ++i)
    EXPECT_NEAR(
        luma.pixels.at(i),
        0.299 * colour.pixels.at(3 * i) + 0.587 * colour.pixels.at(3 * i + 1) + 0.114 * colour.pixels.at(3 * i + 2),
        0.51);
  EXPECT_THROW(decode(gray, {4, 0}), Error);
}

TEST(Decode, GrayOfAColourJpegIsItsLuma) {
  const std::string content = test::jpeg(40, 24, 3, gradient(40, 24, 3));
  EXPECT_LT(mean_difference(bytes_of(decode(content, {1, 0})), bytes_of(with_channels(decode(content), 1))), 1.0);
}

TEST(ReadImage, ErrorsNameTheFileAndTheReason) {
  const test::TemporaryFolder folder;
  const auto file = folder.file("Ünusable 胸.png");
  write_file(file, "text");
  try {
    read_image(file);
    FAIL() << "no error";
  } catch (const ImageError& error) {
    EXPECT_THAT(error.what(), HasSubstr("Ünusable 胸.png: not an image"));
    EXPECT_THAT(error.file(), HasSubstr("Ünusable 胸.png"));
    EXPECT_EQ(error.reason(), "not an image of a known format, by its content");
  }
  EXPECT_THROW(read_image(folder.file("missing.jpg")), ImageError);
  EXPECT_THROW(read_image(folder.path()), ImageError);
}

TEST(ReadImage, ContentDecidesNotTheName) {
  const test::TemporaryFolder folder;
  write_file(folder.file("really.png"), test::jpeg(16, 16, 1, gradient(16, 16, 1)));
  EXPECT_EQ(read_image(folder.file("really.png")).width(), 16);
}

}  // namespace
}  // namespace minissl
