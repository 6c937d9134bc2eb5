#pragma once
#include <optional>

#include "ssl/step/plan_costs.h"
#include "ssl/step/step_memory.h"

/// What to keep of a step's activations so that it fits a budget, and what that costs.
namespace minissl {

struct MemoryPlan {
  RecomputePlan recompute;
  StepMemory memory;                         ///< of the step under it
  double extra_flops_percent = 0;            ///< compared with a step that keeps everything
  std::optional<double> extra_seconds = {};  ///< that recomputing takes, where costs were measured

  /// Bytes that must be there for the step: what the allocator takes from the system.
  int64_t needed() const { return memory.usage.reserved; }
};

/// Where the costs of recomputing come from.
enum class PlanCostSource {
  counted,  ///< multiplications and additions: nothing runs
  measured  ///< seconds, in a calibration of a few passes over each shape; counted where memory is too small for it
};

/// The step under a given plan.
MemoryPlan describe_plan(const StepDescription& step, const RecomputePlan& recompute);

/// The cheapest plan found that needs at most `budget` bytes; none if there is none.
///
/// A dynamic program over the chain of the network's parts, with all recorded views of a batch in one chain. It divides
/// the chain into segments of parts. A segment keeps its input and, in every part of it, the products in certain
/// places: on a side branch, first, last or in between. Backward recomputes the rest, once each, when it comes to the
/// segment. (Beaumont et al. 2019, "Rotor", choose segments for a chain of stages with one output each.) A segment's
/// input is its only link to what comes before, so of a prefix of the chain only two numbers matter to the rest: the
/// bytes that it keeps and the cost of what it recomputes. The program's transient memory is an estimate taken from a
/// dry run of the whole step. A dry run under the plan found says what it truly needs, and the program is asked again
/// with a budget corrected by the difference.
std::optional<MemoryPlan> plan_memory(const StepDescription& step, int64_t budget,
                                      PlanCostSource source = PlanCostSource::counted);

/// The least that any plan found needs.
MemoryPlan smallest_plan(const StepDescription& step);

/// The largest batch below the step's own that a plan fits into the budget and `allowed` accepts; 0 if none.
int64_t largest_batch(StepDescription step, int64_t budget, const std::function<bool(int64_t batch)>& allowed);

}  // namespace minissl
