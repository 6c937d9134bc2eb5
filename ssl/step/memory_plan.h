#pragma once
#include <optional>

#include "ssl/step/plan_costs.h"
#include "ssl/step/step_memory.h"

/// The activations to keep so that a step fits a budget, and the cost of recomputing the others.
namespace minissl {

struct MemoryPlan {
  RecomputePlan recompute;
  StepMemory memory;                         ///< of the step under this plan
  double extra_flops_percent = 0;            ///< compared with a step that keeps everything
  std::optional<double> extra_seconds = {};  ///< spent recomputing, if costs were measured

  /// Bytes that the step needs: those that the allocator takes from the system.
  int64_t needed() const { return memory.usage.reserved; }
};

/// Where the costs of recomputing come from.
enum class PlanCostSource {
  counted,  ///< multiplications and additions; nothing runs
  measured  ///< seconds, from a few calibration passes over each shape; counted if memory is too small for them
};

/// The step under a given plan.
MemoryPlan describe_plan(const StepDescription& step, const RecomputePlan& recompute);

/// The cheapest plan found that needs at most `budget` bytes, if any.
///
/// A dynamic program over the chain of the network's parts, with all recorded views of a batch in one chain. It divides
/// the chain into segments of parts. A segment keeps its input and, in each of its parts, the products in certain
/// places: on a side branch, first, last or in between. Backward recomputes the rest, once each, when it reaches the
/// segment. (Beaumont et al. 2019, "Rotor", choose segments for a chain of stages with one output each.) A segment's
/// input is its only link to earlier segments, so only two numbers of a prefix of the chain matter to the rest: the
/// bytes it keeps and the cost of its recomputation. The program estimates transient memory from a dry run of the whole
/// step. A dry run under the resulting plan gives the true need, and the program runs again with its budget corrected
/// by the difference.
std::optional<MemoryPlan> plan_memory(const StepDescription& step, int64_t budget,
                                      PlanCostSource source = PlanCostSource::counted);

/// The plan found that needs the least memory.
MemoryPlan smallest_plan(const StepDescription& step);

/// The largest batch, smaller than the step's own, for which some plan fits the budget and which `allowed` accepts; 0
/// if none.
int64_t largest_batch(StepDescription step, int64_t budget, const std::function<bool(int64_t batch)>& allowed);

}  // namespace minissl
