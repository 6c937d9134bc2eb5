#pragma once
#include <optional>

#include "ssl/plan_costs.h"
#include "ssl/step_memory.h"

/// What to keep of a step's activations so that it fits a budget, and what that costs.
namespace minissl {

struct MemoryPlan {
  RecomputePlan recompute;
  StepMemory memory;                         ///< of the step under it
  double extra_flops_percent = 0;            ///< beside a step that keeps everything
  std::optional<double> extra_seconds = {};  ///< what making things again takes, where costs were measured

  /// Bytes that must be there for the step: what the allocator takes from the system.
  int64_t needed() const { return memory.usage.reserved; }
};

/// Where the costs of making tensors again come from.
enum class PlanCostSource {
  counted,  ///< multiplications and additions: nothing runs
  measured  ///< seconds, in a calibration of a few passes over each shape; counted where memory is too small for it
};

/// The step under a given plan.
MemoryPlan describe_plan(const StepDescription& step, const RecomputePlan& recompute);

/// The cheapest plan found that needs at most `budget` bytes; none if there is none.
///
/// A dynamic program over the chain of the network's parts, with both views of a two-view method in one chain. The
/// chain is cut into segments of parts; of a segment its input is kept, and of every part in it the outputs of those
/// convolutions that stand in certain places of a block. What is not kept is made again, once each, when backward comes
/// to the segment. (Beaumont et al. 2019, "Rotor", choose segments for a chain of stages with one output each.) A
/// segment's input is its only link to what is before it, so for a prefix of the chain the bytes that it keeps and the
/// cost of what it repeats are all that matters to the rest. The program's idea of transient memory is an estimate
/// taken from a dry run of the whole step; a dry run under the plan found says what it truly needs, and the program is
/// asked again with a budget corrected by the difference.
std::optional<MemoryPlan> plan_memory(const StepDescription& step, int64_t budget,
                                      PlanCostSource source = PlanCostSource::counted);

/// The least that any plan found needs.
MemoryPlan smallest_plan(const StepDescription& step);

/// The largest batch below the step's own that a plan fits into the budget and `allowed` accepts; 0 if none.
int64_t largest_batch(StepDescription step, int64_t budget, const std::function<bool(int64_t batch)>& allowed);

}  // namespace minissl
