#pragma once
#include <string>
#include <vector>

#include "apps/run/named_run.h"

namespace minissl {

/// Runs as the rows of a table in Markdown, aligned for a terminal: epochs, mean loss of the first and the last epoch,
/// kNN accuracy at the last evaluation beside its baselines, effective rank of the backbone's features at the
/// monitor's last look. "–" for what wasn't measured.
std::string run_table(const std::vector<NamedRun>& runs);

}  // namespace minissl
