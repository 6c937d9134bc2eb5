#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/run/metrics_log.h"

namespace minissl {

/// Severity of a verdict of the collapse monitor, for its colour.
enum class Severity { healthy, warning, collapsed };

/// From the monitor's words: "healthy..." is healthy, anything with "collaps" in it is collapsed, the rest a warning.
Severity severity_of(std::string_view verdict);

/// The collapse monitor's last look in words.
struct Verdict {
  Severity severity = Severity::warning;
  std::string sentence = {};  ///< the monitor's own; empty if the verdict is a single word
  std::string detail = {};    ///< the epoch, the remaining spread, and whether there were earlier warnings
};

/// nullopt before the monitor's first look.
std::optional<Verdict> last_verdict(const std::vector<Json>& events);

}  // namespace minissl
