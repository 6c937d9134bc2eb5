#pragma once
#include <string>
#include <vector>

#include "ssl/step/step_memory.h"

namespace minissl {

/// An operation that a training step's backward pass will visit.
struct StepOperation {
  std::string name;                     ///< "convolution"
  Shape shape;                          ///< of its output
  std::string part;                     ///< of the backbone: "layer1.0"; empty after it
  int view = 0;                         ///< 1, 2: which recorded pass through the backbone; 0 after it
  std::vector<std::string> parameters;  ///< that it reads
  std::vector<size_t> inputs;           ///< operations whose outputs it reads
  int64_t kept = 0;  ///< bytes for backward; a tensor kept by several operations counts for the first
};

/// The autograd graph of a step's loss, in recording order. The step runs dry, as in predict_step.
std::vector<StepOperation> graph_of_step(const StepDescription& step, const RecomputePlan& plan);

}  // namespace minissl
