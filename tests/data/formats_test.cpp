#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/decode/decode.h"
#include "data/decode/format.h"
#include "tests/data/fixture_files.h"

namespace minissl {
namespace {

using testing::HasSubstr;

Image decode(const std::string& bytes, const DecodeOptions& options = {}) {
  return decode_image(std::as_bytes(std::span(bytes)), options);
}

std::string reason_of(const std::string& bytes) {
  try {
    decode(bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return "decoded";
}

// Pixels agree within the tolerance that the file states, in gray levels; those of 16 bits within half of one of
// theirs.
void expect_pixels(const Image& image, const nlohmann::json& entry) {
  const auto shape = entry.at("shape").get<std::vector<int64_t>>();
  ASSERT_EQ(image.pixels.shape(), Shape(shape.begin(), shape.end()));
  const auto expected = entry.at("pixels").get<std::vector<double>>();
  const double white = entry.value("white", 0), tolerance = entry.value("tolerance", white > 0 ? 0.5 : 0.0);
  EXPECT_EQ(image.pixels.dtype(), white > 0 ? DType::f32 : DType::u8);
  const auto got = image.pixels.to_vector();
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(got[i] * (white > 0 ? white : 1), expected[i], tolerance) << "value " << i;
}

TEST(Formats, PixelsAreThoseOfPillowAndPydicom) {
  for (const test::FixtureFile& file : test::fixture_files()) {
    SCOPED_TRACE(file.name);
    const ImageFormat format = format_of(std::as_bytes(std::span(file.bytes)));
    if (const auto absent = unreadable_because(format); !absent.empty()) {
      EXPECT_EQ(reason_of(file.bytes), absent);
      continue;
    }
    if (file.is_refused()) {
      EXPECT_THAT(reason_of(file.bytes), HasSubstr(file.expected.at("refused").get<std::string>()));
    } else if (const std::string reason = reason_of(file.bytes); reason != "decoded") {
      // A library for DICOM's pixels may be absent.
      EXPECT_THAT(reason, HasSubstr("this build has no reader"));
    } else {
      expect_pixels(decode(file.bytes, {.max_value = 65535}), file.expected);
    }
  }
}

TEST(Formats, CutAnywhereTheyAreRefusedOrWhole) {
  for (const test::FixtureFile& file : test::fixture_files()) {
    // The last number of a text may become shorter.
    if (file.is_refused() || file.name.ends_with("_text")) continue;
    SCOPED_TRACE(file.name);
    for (size_t length = 0; length < file.bytes.size(); ++length) {
      try {
        expect_pixels(decode(file.bytes.substr(0, length), {.max_value = 65535}), file.expected);
        if (HasFatalFailure()) FAIL() << "the first " << length << " of " << file.bytes.size() << " bytes";
      } catch (const Error&) {
      }
    }
  }
}

TEST(Formats, AreToldApartByContent) {
  const std::map<std::string, ImageFormat> of_prefix = {
      {"bmp", ImageFormat::bmp}, {"gif", ImageFormat::gif}, {"webp", ImageFormat::webp}, {"pgm", ImageFormat::pnm},
      {"ppm", ImageFormat::pnm}, {"pbm", ImageFormat::pnm}, {"tiff", ImageFormat::tiff}, {"dicom", ImageFormat::dicom}};
  for (const test::FixtureFile& file : test::fixture_files())
    EXPECT_EQ(format_of(std::as_bytes(std::span(file.bytes))), of_prefix.at(file.name.substr(0, file.name.find('_'))))
        << file.name;
  const auto of_text = [](std::string_view text) { return format_of(std::as_bytes(std::span(text))); };
  EXPECT_EQ(of_text("BM, the letters with which this text begins"), ImageFormat::none);
  EXPECT_EQ(of_text("P5"), ImageFormat::none);
  EXPECT_EQ(of_text("RIFF....WAVE"), ImageFormat::none);
  EXPECT_EQ(of_text(""), ImageFormat::none);
}

}  // namespace
}  // namespace minissl
