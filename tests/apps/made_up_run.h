#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "apps/run/metrics_log.h"

namespace minissl {

/// The events of an invented run: a MoCo-like loss with its terms, a monitor every fifth epoch, kNN accuracy every
/// tenth. With `collapse` the backbone's spread dies while the loss keeps falling, as published for MoCo without a
/// variance term.
std::vector<Json> made_up_events(int64_t epochs, int64_t steps_each_epoch, bool collapse);

/// The monitor's metrics for 2,048 features of 512 dimensions that all have this norm and this mean cosine.
CollapseMetrics looks_like(double norm, double mean_cos, double eff_rank);

/// Its config.toml.
std::string made_up_config();

}  // namespace minissl
