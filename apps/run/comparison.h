#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "apps/run/named_run.h"

namespace minissl {

/// One page on several runs: their curves side by side, the settings in which they differ, and what the figures
/// support, in sentences that follow from them by rules the page states. Self-contained and reproducible, as
/// render_report(). `title` may be empty. Throws Error for fewer than two runs, or more than a chart can tell apart.
std::string render_comparison(std::string_view title, const std::vector<NamedRun>& runs);

}  // namespace minissl
