#pragma once
#include <vector>

#include "autograd/recompute.h"
#include "ssl/step/step_description.h"
#include "tensor/dry_run.h"

/// A training step's memory, predicted by a dry run of its own code (tensor/dry_run.h).
namespace minissl {

/// Memory kept by a part of a network, for one view, between forward and backward.
struct PartMemory {
  PartRecord record;
  int view = 0;           ///< 1, 2: which recorded pass
  int64_t kept = 0;       ///< bytes; a tensor read by several parts counts for the first: a part's input is its own
  int64_t naive = 0;      ///< bytes that would be kept if each operation saved its input
  int64_t peak = 0;       ///< in use by the whole step while the part's backward runs
  int64_t transient = 0;  ///< peak use of its backward beyond kept tensors: gradients, workspaces
  int64_t forward = 0;    ///< the same for its forward
};

struct StepMemory {
  MemoryUsage usage;  ///< `reserved` after two steps
  double flops = 0;   ///< multiplications and additions of one step
  std::vector<PartMemory> parts;
  int64_t kept_by_projector = 0, kept_by_loss = 0;  ///< and predictors, and other heads
  std::vector<DryRun::Event> events;                ///< of one step

  /// Bytes in use under a tag at the peak.
  int64_t at_peak(MemoryTag tag) const { return usage.at_peak_by_tag[static_cast<size_t>(tag)]; }
  /// Total bytes kept for backward.
  int64_t activations() const;
  /// The same with PartMemory::naive for the parts; projectors and losses unchanged.
  int64_t naive_activations() const;
};

StepMemory predict_step(const StepDescription& step, const RecomputePlan& plan);

}  // namespace minissl
