#include "apps/run/verdict.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fmt/format.h>

#include "apps/run/curves.h"

namespace minissl {
namespace {

/// "The backbone's spread is 17% of its peak, that of its directions 94%." Empty after a single look.
std::string spread_sentence(const std::vector<Json>& events) {
  const auto share_of_peak = [&](const char* id) -> std::string {
    for (const SpreadCharts& row : spread_charts(events)) {
      if (row.backbone.id != id || row.backbone.curves.empty() || row.backbone.curves[0].y.size() < 2) continue;
      double peak = 0;
      for (double value : row.backbone.curves[0].y) peak = std::fmax(peak, value);
      if (peak > 0) return format_share(last_value(row.backbone) / peak);
    }
    return {};
  };
  const std::string spread = share_of_peak("backbone.std"), directions = share_of_peak("backbone.std_normalized");
  if (spread.empty()) return {};
  return fmt::format(" The backbone's spread is {} of its peak{}.", spread,
                     directions.empty() ? "" : ", that of its directions " + directions);
}

/// The sentence of a verdict: "healthy: the spread is steady" gives "The spread is steady."
std::string sentence_of(const std::string& verdict) {
  const size_t colon = verdict.find(": ");
  if (verdict.find(' ') == verdict.npos) return {};  // a single word, which the heading already shows
  std::string sentence = colon == verdict.npos ? verdict : verdict.substr(colon + 2);
  if (sentence.empty()) return {};
  sentence[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(sentence[0])));
  return sentence.ends_with('.') ? sentence : sentence + ".";
}

}  // namespace

Severity severity_of(std::string_view verdict) {
  std::string words(verdict);
  std::transform(words.begin(), words.end(), words.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (words.starts_with("healthy")) return Severity::healthy;
  return words.find("collaps") != words.npos ? Severity::collapsed : Severity::warning;
}

std::optional<Verdict> last_verdict(const std::vector<Json>& events) {
  Verdict verdict;
  int64_t looks = 0, concerns = 0;
  double last_epoch = 0, first_concern = 0;
  for (const Json& event : events) {
    if (!is_event(event, "monitor") || !event.contains("verdict") || !event.at("verdict").is_string()) continue;
    const auto& words = event.at("verdict").get_ref<const std::string&>();
    ++looks;
    last_epoch = number(event, "epoch");
    verdict.severity = severity_of(words);
    verdict.sentence = sentence_of(words);
    if (verdict.severity != Severity::healthy && concerns++ == 0) first_concern = last_epoch;
  }
  if (looks == 0) return std::nullopt;
  verdict.detail =
      fmt::format("Collapse monitor after epoch {}.{}", format_number(last_epoch), spread_sentence(events));
  if (concerns > (verdict.severity == Severity::healthy ? 0 : 1))
    verdict.detail += fmt::format(" {} of {} looks gave cause for concern, the first after epoch {}.", concerns, looks,
                                  format_number(first_concern));
  return verdict;
}

}  // namespace minissl
