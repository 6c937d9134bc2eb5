#pragma once
#include <string>
#include <string_view>

#include "apps/run/curves.h"
#include "apps/run/metrics_log.h"

namespace minissl {

/// "<tag>text</tag>", the text escaped.
std::string element(std::string_view tag, std::string_view text);

/// A self-contained HTML page while it is being put together: text, tables and places for charts, which the page's
/// own script (assets/page.js) draws with Chart.js.
class Page {
 public:
  /// Appends HTML as it is: escape what comes from outside (html.h).
  void add(std::string_view html) { body_ += html; }
  /// `lead`: a sentence below the title, may be empty.
  void begin_section(std::string_view id, std::string_view title, std::string_view lead);
  void end_section() { add("</section>\n"); }
  /// A titled chart with a figure (may be empty) beside its title. `size`: "large", "medium" or "small". Without curves
  /// the place says "not measured".
  void add_chart(const Chart& chart, std::string_view size, std::string_view figure);
  /// The whole page.
  std::string render(std::string_view title) const;

 private:
  std::string body_;
  Json charts_ = Json::object();
};

}  // namespace minissl
