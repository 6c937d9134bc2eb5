#pragma once
#include <string>
#include <vector>

#include "apps/run/named_run.h"

namespace minissl {

/// Sentences that summarise all runs: in which std fell and how much of that came from norms, which collapsed, where
/// std alone would mislead, and which beat the untrained network.
std::vector<std::string> run_overview(const std::vector<NamedRun>& runs);

}  // namespace minissl
