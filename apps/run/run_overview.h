#pragma once
#include <string>
#include <vector>

#include "apps/run/named_run.h"

namespace minissl {

/// Sentences on all runs together: in which std fell and what of it was norms, which collapsed, where std read alone
/// would have misled, and which beat the untrained network.
std::vector<std::string> run_overview(const std::vector<NamedRun>& runs);

}  // namespace minissl
