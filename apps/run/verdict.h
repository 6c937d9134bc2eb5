#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/run/metrics_log.h"

namespace minissl {

/// How a verdict of the collapse monitor is to be coloured.
enum class Severity { healthy, warning, collapsed };

/// From the monitor's words: "healthy..." is healthy, anything with "collaps" in it is collapsed, the rest a warning.
Severity severity_of(std::string_view verdict);

/// The collapse monitor's last look, in words for a person.
struct Verdict {
  Severity severity = Severity::warning;
  std::string sentence = {};  ///< the monitor's own; empty when it said one word only
  std::string detail = {};    ///< when that was, how much spread is left, and whether there was concern before
};

/// Nothing when the monitor hasn't looked yet.
std::optional<Verdict> last_verdict(const std::vector<Json>& events);

}  // namespace minissl
