#pragma once
#include <string>
#include <vector>

#include "apps/run/curves.h"
#include "apps/run/named_run.h"

namespace minissl {

/// As many runs as colours and marks can tell apart in a chart.
inline constexpr size_t most_compared_runs = 8;

/// The palette's place of the i-th run: the neutral one is left out.
int run_colour(size_t i);

/// The collapse metrics, a curve for each run.
std::vector<SpreadCharts> compared_spread(const std::vector<NamedRun>& runs);

/// kNN accuracy in percent, a curve for each run. A baseline that all runs share is one level; one that differs is a
/// level for each run, in its colour.
Chart compared_accuracy(const std::vector<NamedRun>& runs);

/// The terms of the loss, mean of each epoch, one chart for each term and each set of runs in which it is the same
/// function of the embeddings: same method, and same value of every setting that enters it (comparable_losses_note).
/// A run that logs no terms gives its loss.
std::vector<Chart> compared_losses(const std::vector<NamedRun>& runs);
std::string comparable_losses_note();

}  // namespace minissl
