#include <charconv>
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data/decode/decode.h"
#include "data/decode/format.h"

namespace minissl {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

// Small files that Pillow, tifffile and pydicom wrote, with the pixels that they read (tests/fixtures/README.md).
Json fixture(const std::string& name) {
  std::ifstream file(MINISSL_SOURCE_DIR "/tests/fixtures/" + name);
  return Json::parse(file);
}

std::string bytes_of(const Json& entry) {
  const auto& hex = entry.at("file").get_ref<const std::string&>();
  std::string bytes(hex.size() / 2, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    uint8_t value = 0;
    std::from_chars(&hex[2 * i], &hex[2 * i] + 2, value, 16);
    bytes[i] = static_cast<char>(value);
  }
  return bytes;
}

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
void expect_pixels(const Image& image, const Json& entry) {
  const auto shape = entry.at("shape").get<std::vector<int64_t>>();
  ASSERT_EQ(image.pixels.shape(), Shape(shape.begin(), shape.end()));
  const auto expected = entry.at("pixels").get<std::vector<double>>();
  const double white = entry.value("white", 0), tolerance = entry.value("tolerance", white > 0 ? 0.5 : 0.0);
  EXPECT_EQ(image.pixels.dtype(), white > 0 ? DType::f32 : DType::u8);
  const auto got = image.pixels.to_vector();
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(got[i] * (white > 0 ? white : 1), expected[i], tolerance) << "value " << i;
}

void expect_as_stated(const std::string& name) {
  const Json files = fixture(name);
  for (const auto& [key, entry] : files.items()) {
    SCOPED_TRACE(key);
    const std::string bytes = bytes_of(entry);
    const ImageFormat format = format_of(std::as_bytes(std::span(bytes)));
    if (const auto absent = unreadable_because(format); !absent.empty()) {
      EXPECT_EQ(reason_of(bytes), absent);
      continue;
    }
    if (entry.contains("refused"))
      EXPECT_THAT(reason_of(bytes), HasSubstr(entry.at("refused").get<std::string>()));
    else
      ASSERT_NO_THROW(expect_pixels(decode(bytes, {.max_value = 65535}), entry));
  }
}

TEST(Formats, PixelsAreThoseOfPillow) { expect_as_stated("images.json"); }

TEST(Dicom, PixelsAreThoseOfPydicom) { expect_as_stated("dicom.json"); }

TEST(Formats, CutAnywhereTheyAreRefusedOrWhole) {
  Json files = fixture("images.json");
  files.update(fixture("dicom.json"));
  for (const auto& [key, entry] : files.items()) {
    if (entry.contains("refused") || key.ends_with("_text")) continue;  // the last number of a text may become shorter
    SCOPED_TRACE(key);
    const std::string whole = bytes_of(entry);
    for (size_t length = 0; length < whole.size(); ++length) {
      try {
        expect_pixels(decode(whole.substr(0, length), {.max_value = 65535}), entry);
        if (HasFatalFailure()) FAIL() << "the first " << length << " of " << whole.size() << " bytes";
      } catch (const Error&) {
      }
    }
  }
}

TEST(Formats, AreToldApartByContent) {
  std::map<std::string, ImageFormat> of_prefix = {
      {"bmp", ImageFormat::bmp}, {"gif", ImageFormat::gif}, {"webp", ImageFormat::webp}, {"pgm", ImageFormat::pnm},
      {"ppm", ImageFormat::pnm}, {"pbm", ImageFormat::pnm}, {"tiff", ImageFormat::tiff}, {"dicom", ImageFormat::dicom}};
  Json files = fixture("images.json");
  files.update(fixture("dicom.json"));
  for (const auto& [key, entry] : files.items()) {
    const std::string bytes = bytes_of(entry);
    EXPECT_EQ(format_of(std::as_bytes(std::span(bytes))), of_prefix.at(key.substr(0, key.find('_')))) << key;
  }
  const auto of_text = [](std::string_view text) { return format_of(std::as_bytes(std::span(text))); };
  EXPECT_EQ(of_text("BM, the letters with which this text begins"), ImageFormat::none);
  EXPECT_EQ(of_text("P5"), ImageFormat::none);
  EXPECT_EQ(of_text("RIFF....WAVE"), ImageFormat::none);
  EXPECT_EQ(of_text(""), ImageFormat::none);
  EXPECT_EQ(name_of(ImageFormat::pnm), "PNM");
}

}  // namespace
}  // namespace minissl
