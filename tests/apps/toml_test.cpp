#include "apps/run/toml.h"

#include <gtest/gtest.h>

#include "tensor/error.h"

namespace minissl {
namespace {

std::string error_of(const std::string& toml) {
  try {
    read_toml(toml);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Toml, EveryTextIsReadBackAsItWas) {
  for (const std::string value : {"set #2",
                                  "a\"b",
                                  "a\\b",
                                  "[x]",
                                  "line\nbreak",
                                  "tab\t",
                                  "'",
                                  "\x01",
                                  "",
                                  " ",
                                  "胸部",
                                  "a = b",
                                  "true",
                                  "false",
                                  "1",
                                  "-3",
                                  "0.001",
                                  "1e-05",
                                  "1e300",
                                  "007",
                                  "+1",
                                  "0x10",
                                  "1_000",
                                  "inf",
                                  "nan",
                                  "1.",
                                  ".5",
                                  "1e5",
                                  "2024-01-01",
                                  "18446744073709551615",
                                  "9223372036854775807",
                                  "-0",
                                  "C:\\new\\t"}) {
    const std::vector<Setting> read = read_toml(toml_line("key", value));
    ASSERT_EQ(read.size(), 1u) << value;
    EXPECT_EQ(read[0], Setting("key", value));
  }
}

TEST(Toml, NumbersAndTruthStayBare) {
  EXPECT_EQ(toml_line("lr", "0.001"), "lr = 0.001\n");
  EXPECT_EQ(toml_line("epochs", "100"), "epochs = 100\n");
  EXPECT_EQ(toml_line("resume", "true"), "resume = true\n");
  EXPECT_EQ(toml_line("crop-scale", "0.2,1"), "crop-scale = \"0.2,1\"\n");
}

TEST(Toml, SettingsComeInTheirOrderWithoutComments) {
  EXPECT_EQ(read_toml("# what\nz = 1 # last first\na = 'x # y'\n\nlist = [25, 25.5, \"c\"]\n"),
            (std::vector<Setting>{{"z", "1"}, {"a", "x # y"}, {"list", "25,25.5,c"}}));
}

TEST(Toml, WhatHasNoMeaningIsRefusedWithItsLine) {
  EXPECT_EQ(error_of("a = 1\n[train]\n"), "line 2: sections ([...]) have no meaning; it holds key = value lines");
  EXPECT_EQ(error_of("a = 1\nday = 2024-01-01\n"), "line 2: day is a date; put it in quotes if it is meant as text");
  EXPECT_EQ(error_of("a = [[1], [2]]\n"), "line 1: a has arrays within an array");
  EXPECT_NE(error_of("a = 1\nb = \"cut short\n").find("line 2: "), std::string::npos);
  EXPECT_NE(error_of("a = 1\na = 2\n").find("line 2: "), std::string::npos);
  EXPECT_NE(error_of("a = \"\xff\"\n").find("line 1: "), std::string::npos);
}

TEST(Toml, BytesThatAreNoTextAreRefusedNotChanged) { EXPECT_THROW(toml_line("data", "set \xff"), Error); }

}  // namespace
}  // namespace minissl
