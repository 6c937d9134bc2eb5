#pragma once
#include <vector>

#include "autograd/recompute.h"
#include "ssl/step/step_description.h"
#include "tensor/dry_run.h"

/// What a training step will need of memory, found without doing it: the step's own code runs dry (tensor/dry_run.h).
namespace minissl {

/// What a part of a network, in one view, keeps between the forward and the backward pass.
struct PartMemory {
  PartRecord record;
  int view = 0;           ///< 1, 2: of the passes that are recorded
  int64_t kept = 0;       ///< bytes; a tensor that several parts read counts for the first: its input is a part's own
  int64_t naive = 0;      ///< bytes that an autograd would keep which has each operation save its input
  int64_t peak = 0;       ///< in use, of all the step, while its backward runs
  int64_t transient = 0;  ///< the most that its backward has in use besides what is kept: gradients, workspaces
  int64_t forward = 0;    ///< and its forward
};

struct StepMemory {
  MemoryUsage usage;  ///< `reserved` after two steps
  double flops = 0;   ///< multiplications and additions of one step
  std::vector<PartMemory> parts;
  int64_t kept_by_projector = 0, kept_by_loss = 0;  ///< and predictors, and other heads
  std::vector<DryRun::Event> events;                ///< of one step

  /// In use by tag when the peak was reached, and so on: MemoryUsage's arrays by tag's name.
  int64_t at_peak(MemoryTag tag) const { return usage.at_peak_by_tag[static_cast<size_t>(tag)]; }
  /// Kept for backward, in all.
  int64_t activations() const;
  /// The same by PartMemory::naive; projectors and losses as they are.
  int64_t naive_activations() const;
};

StepMemory predict_step(const StepDescription& step, const RecomputePlan& plan);

}  // namespace minissl
