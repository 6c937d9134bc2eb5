#pragma once
#include <functional>
#include <memory>

#include "nn/optimizer.h"
#include "ssl/method.h"

namespace minissl {

/// A training step before it is made.
struct StepDescription {
  std::function<std::unique_ptr<Method>(DType dtype)> make;  ///< the method
  OptimizerOptions optimizer = {};
  Shape images;                            ///< (N, H, W, C): a batch as Method::views is asked for it
  Device device = DeviceScope::current();  ///< what it runs on; waiting batches are on the CPU
  DType dtype = DType::f32;                ///< of parameters, statistics, losses
  DType activations = DType::f32;          ///< of images and what networks make of them: `dtype`, or bf16
  int64_t waiting_batches = 0;             ///< that a loader holds ready
  /// What a run does between its steps, such as an evaluation, as far as memory goes; may be undefined.
  std::function<void(Method& method)> between_steps = {};
  bool checkpoints = false;  ///< whether all state is brought into a file's layout between steps
};

/// A batch as a method wants it, its elements with no particular value, where the step works.
Batch empty_batch(const Method& method, const StepDescription& step, Device device);

}  // namespace minissl
