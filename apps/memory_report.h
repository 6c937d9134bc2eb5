#pragma once
#include <string>
#include <vector>

#include "apps/run/metrics_log.h"
#include "ssl/step/memory_plan.h"

/// A memory plan in words, numbers and curves.
namespace minissl {

/// Summarises what the plan keeps and what backward recomputes; consecutive parts with the same treatment share a line.
std::vector<std::string> plan_lines(const MemoryPlan& plan);

/// One row per stage of the network, the second view's after the first's, then projectors and losses.
struct StageMemory {
  std::string name;   ///< "view 1 layer2"
  int64_t kept = 0;   ///< bytes for backward
  int64_t naive = 0;  ///< PartMemory::naive
  int64_t peak = 0;   ///< in use while its backward runs
};
std::vector<StageMemory> by_stage(const StepMemory& memory);

/// The composition of the peak, ordered by size: (tag, bytes). Kept activations are listed by view.
std::vector<std::pair<std::string, int64_t>> by_use(const StepMemory& memory);

Json to_json(const MemoryPlan& plan);
/// The event for metrics.jsonl, with the step's time line.
Json memory_event(const MemoryPlan& plan, const std::string& device);
/// A table for the terminal.
std::string memory_table(const MemoryPlan& plan);

}  // namespace minissl
