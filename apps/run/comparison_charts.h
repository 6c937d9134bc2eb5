#pragma once
#include <string>
#include <vector>

#include "apps/run/curves.h"
#include "apps/run/named_run.h"

namespace minissl {

/// The number of runs that a chart can distinguish by colours and marks.
inline constexpr size_t most_compared_runs = 8;

/// The palette index of the i-th run, skipping the neutral colour.
int run_colour(size_t i);

/// The collapse metrics, one curve per run.
std::vector<SpreadCharts> compared_spread(const std::vector<NamedRun>& runs);

/// kNN accuracy in percent, one curve per run. A baseline that all runs share is one level; otherwise each run has its
/// own level, in its colour.
Chart compared_accuracy(const std::vector<NamedRun>& runs);

/// The terms of the loss, averaged per epoch, with one chart for each term and each set of runs in which it is the same
/// function of the embeddings: same method, and same value of every setting that affects it (comparable_losses_note).
/// A run that logs no terms contributes its loss.
std::vector<Chart> compared_losses(const std::vector<NamedRun>& runs);
std::string comparable_losses_note();

}  // namespace minissl
