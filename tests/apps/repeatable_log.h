#pragma once
#include <filesystem>
#include <string>

#include "apps/run/metrics_log.h"

namespace minissl {

/// A run's log without fields that depend on the clock or on memory use, which varies between identical runs.
inline std::string repeatable_log(const std::filesystem::path& run) {
  std::string text;
  for (Json event : read_metrics(run / "metrics.jsonl")) {
    event.erase("seconds");
    event.erase("images_per_s");
    if (!is_event(event, "memory")) text += event.dump() + "\n";
  }
  return text;
}

}  // namespace minissl
