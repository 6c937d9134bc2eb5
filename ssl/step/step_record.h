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
///   step{i}/<name> intermediates, step{i}/loss, step{i}/loss/<term>, step{i}/grad/<parameter>, and the state
///   after/<name>.
NamedTensors record_steps(Method& method, const OptimizerOptions& optimizer, const Schedule& schedule, int64_t steps,
                          const RecomputePlan& plan, const BatchSource& batches);

}  // namespace minissl
