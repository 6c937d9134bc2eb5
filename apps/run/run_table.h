#pragma once
#include <string>
#include <vector>

#include "apps/run/named_run.h"

namespace minissl {

/// A Markdown table with a row per run, aligned for a terminal: epochs, mean loss of the first and the last epoch, kNN
/// accuracy at the last evaluation with its baselines, effective rank of the backbone's features at the monitor's last
/// look. "–" for values that weren't measured.
std::string run_table(const std::vector<NamedRun>& runs);

}  // namespace minissl
