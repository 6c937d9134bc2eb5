#pragma once
#include <functional>
#include <memory>

#include "nn/optimizer.h"
#include "ssl/method.h"

namespace minissl {

/// A training step before anything is allocated.
struct StepDescription {
  std::function<std::unique_ptr<Method>(DType dtype)> make;  ///< the method
  OptimizerOptions optimizer = {};
  Shape images;                            ///< (N, H, W, C) of a batch; Method::views gets the size H
  Device device = DeviceScope::current();  ///< where it runs; waiting batches are on the CPU
  DType dtype = DType::f32;                ///< of parameters, statistics, losses
  DType activations = DType::f32;          ///< of images and activations: `dtype`, or bf16
  int64_t waiting_batches = 0;             ///< held ready by a loader
  /// Work between a run's steps that needs memory, such as an evaluation; may be undefined.
  std::function<void(Method& method)> between_steps = {};
  bool checkpoints = false;  ///< whether all state is converted to file layout between steps
};

/// A batch as a method requests it, with arbitrary elements.
Batch empty_batch(const Method& method, const StepDescription& step, Device device);

}  // namespace minissl
