#pragma once
#include <string>
#include <string_view>

#include "apps/run/curves.h"
#include "apps/run/metrics_log.h"

namespace minissl {

/// "<tag>text</tag>" with the text escaped.
std::string element(std::string_view tag, std::string_view text);

/// Builds a self-contained HTML page of text, tables and charts, which the page's script (assets/page.js) draws with
/// Chart.js.
class Page {
 public:
  /// Appends HTML unchanged; escape external text first (html.h).
  void add(std::string_view html) { body_ += html; }
  /// `lead` is a sentence below the title; it may be empty.
  void begin_section(std::string_view id, std::string_view title, std::string_view lead);
  void end_section() { add("</section>\n"); }
  /// Adds a titled chart with a figure (may be empty) next to its title. `size`: "large", "medium" or "small". A chart
  /// without curves shows "not measured".
  void add_chart(const Chart& chart, std::string_view size, std::string_view figure);
  /// The whole page.
  std::string render(std::string_view title) const;

 private:
  std::string body_;
  Json charts_ = Json::object();
};

}  // namespace minissl
