#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "apps/run/named_run.h"

namespace minissl {

/// One page that compares several runs: their curves side by side, the settings in which they differ, and conclusions
/// in sentences that follow from the figures by rules stated on the page. Self-contained and reproducible, like
/// render_report(). `title` may be empty. Throws Error for fewer than two runs, or more than a chart can distinguish.
std::string render_comparison(std::string_view title, const std::vector<NamedRun>& runs);

}  // namespace minissl
