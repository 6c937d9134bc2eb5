#include "tensor/utf8.h"

#include <gtest/gtest.h>
#include <set>

namespace minissl {
namespace {

TEST(AsUtf8, TextStaysAsItIs) {
  for (const char* text :
       {"", "plain", "Übung/日本語/😀.png", "a\\b", "C:\\new\\tables", "tab\tnewline\n", "\\x", "\\xg1"})
    EXPECT_EQ(as_utf8(text), text);
}

TEST(AsUtf8, OtherBytesAreEscaped) {
  EXPECT_EQ(as_utf8("caf\xE9.png"), "caf\\xe9.png");               // Latin-1
  EXPECT_EQ(as_utf8("\xC3"), "\\xc3");                             // cut off
  EXPECT_EQ(as_utf8("\xC0\xAF"), "\\xc0\\xaf");                    // not the shortest form
  EXPECT_EQ(as_utf8("\xED\xA0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(as_utf8("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond the last character
  EXPECT_EQ(as_utf8("ü\\\xFF"), "ü\\\\\\xff");
}

TEST(AsUtf8, DifferentNamesStayDifferent) {
  std::set<std::string> texts;
  const char* const parts[] = {"\xE9", "\\xe9", "\\", "x", "e9", "é"};
  std::set<std::string> names;
  for (const std::string a : parts)
    for (const std::string b : parts)
      for (const std::string c : parts) names.insert(a + b + c);
  for (const std::string& name : names) texts.insert(as_utf8(name));
  EXPECT_EQ(texts.size(), names.size());
}

}  // namespace
}  // namespace minissl
