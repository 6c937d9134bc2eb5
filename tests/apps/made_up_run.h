#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "apps/run/metrics_log.h"

namespace minissl {

/// The events of a run that never was: a MoCo-like loss with its terms, a monitor every fifth epoch, kNN accuracy every
/// tenth. With `collapse` the backbone's spread dies while the loss goes on falling, as published for MoCo without a
/// variance term.
std::vector<Json> made_up_events(int64_t epochs, int64_t steps_each_epoch, bool collapse);

/// What the monitor would see in 2,048 features of 512 dimensions that all have that norm and that mean cosine.
CollapseMetrics looks_like(double norm, double mean_cos, double eff_rank);

/// Its config.toml.
std::string made_up_config();

}  // namespace minissl
