#pragma once
#include <functional>

#include "autograd/recompute.h"
#include "formats/safetensors.h"
#include "nn/optimizer.h"
#include "nn/schedule.h"
#include "ssl/method.h"

namespace minissl {

using BatchSource = std::function<Batch(int64_t step)>;

/// Runs training steps of a method and returns all their tensors, with PyTorch's names and layouts:
///   step{i}/<name> intermediates, step{i}/loss, step{i}/loss/<term>, step{i}/grad/<parameter>, step{i}/grad_norm over
///   all of them, step{i}/clipped/<parameter> if clip_norm is not 0, and the state after/<name>.
/// Each step is an epoch. The method's schedules (momentum) refer to a run of `schedule_steps`; with 0 the run has no
/// end, so that they stay where they begin.
NamedTensors record_steps(Method& method, const OptimizerOptions& optimizer, const Schedule& schedule, int64_t steps,
                          const RecomputePlan& plan, const BatchSource& batches, double clip_norm = 0,
                          int64_t schedule_steps = 0);

}  // namespace minissl
