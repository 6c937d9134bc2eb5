#pragma once
#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

#include "apps/run/metrics_log.h"
#include "tensor/error.h"

namespace minissl {

inline bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// The text between `begin` and the next `end`.
inline std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const size_t from = text.find(begin);
  require(from != std::string::npos, "no {}", begin);
  return text.substr(from + begin.size(), text.find(end, from + begin.size()) - from - begin.size());
}

inline Json charts_of(const std::string& html) {
  return Json::parse(between(html, R"(<script type="application/json" id="charts">)", "</script>"));
}

/// Every opened element is closed, in order, except void and self-closed ones; attributes are quoted and hold no angle
/// brackets. Scripts and styles are opaque. (No std::regex here: GCC 12 warns about it under the sanitizers.)
inline void expect_well_formed(const std::string& html) {
  const std::vector<std::string> void_elements = {"meta", "img", "br"};
  std::vector<std::string> open;
  for (size_t at = 0; (at = html.find('<', at)) != std::string::npos;) {
    const std::string around = html.substr(at < 100 ? 0 : at - 100, 200);
    if (html.compare(at, 2, "<!") == 0) {
      at = html.find('>', at);
      continue;
    }
    const bool closing = html[++at] == '/';
    if (closing) ++at;
    const size_t name_end = html.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789", at);
    const std::string name = html.substr(at, name_end - at);
    ASSERT_FALSE(name.empty()) << around;
    bool quoted = false;
    for (at = name_end; at < html.size() && (quoted || html[at] != '>'); ++at) {
      if (html[at] == '"') quoted = !quoted;
      ASSERT_NE(html[at], '<') << around;
      ASSERT_NE(html[at], '\'') << around;
    }
    ASSERT_LT(at, html.size()) << around;
    if (closing) {
      ASSERT_FALSE(open.empty()) << around;
      ASSERT_EQ(open.back(), name) << around;
      open.pop_back();
    } else if (html[at - 1] != '/' &&
               std::find(void_elements.begin(), void_elements.end(), name) == void_elements.end()) {
      open.push_back(name);
      if (name == "script" || name == "style") at = html.find("</" + name, at);
    }
  }
  EXPECT_TRUE(open.empty()) << open.back();
}

}  // namespace minissl
