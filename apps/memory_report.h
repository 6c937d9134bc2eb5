#pragma once
#include <string>
#include <vector>

#include "apps/run/metrics_log.h"
#include "ssl/step/memory_plan.h"

/// A memory plan in words, numbers and curves.
namespace minissl {

/// What the plan keeps and what backward recomputes, in a few lines: neighbouring parts that are treated alike share
/// one.
std::vector<std::string> plan_lines(const MemoryPlan& plan);

/// Rows of the network's stages, the second view's after the first's, and what is kept in projectors and losses.
struct StageMemory {
  std::string name;   ///< "view 1 layer2"
  int64_t kept = 0;   ///< bytes for backward
  int64_t naive = 0;  ///< PartMemory::naive
  int64_t peak = 0;   ///< in use while its backward runs
};
std::vector<StageMemory> by_stage(const StepMemory& memory);

/// What the peak consists of, in the order of size: (tag, bytes). Kept activations are told apart by view.
std::vector<std::pair<std::string, int64_t>> by_use(const StepMemory& memory);

Json to_json(const MemoryPlan& plan);
/// For metrics.jsonl, with the step's time line.
Json memory_event(const MemoryPlan& plan, const std::string& device);
/// For people.
std::string memory_table(const MemoryPlan& plan);

}  // namespace minissl
