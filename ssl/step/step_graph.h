#pragma once
#include <string>
#include <vector>

#include "ssl/step/step_memory.h"

namespace minissl {

/// An operation that a training step's backward pass will come back to.
struct StepOperation {
  std::string name;                     ///< "convolution"
  Shape shape;                          ///< of its output
  std::string part;                     ///< of the backbone: "layer1.0"; behind it nothing
  int view = 0;                         ///< 1, 2: of the passes through the backbone that are recorded; behind it 0
  std::vector<std::string> parameters;  ///< that it reads
  std::vector<size_t> inputs;           ///< operations that it reads the outputs of
  int64_t kept = 0;                     ///< bytes for backward; what several operations keep counts for the first
};

/// The autograd graph of a step's loss, in the order in which it is recorded. The step runs dry, as in predict_step.
std::vector<StepOperation> graph_of_step(const StepDescription& step, const RecomputePlan& plan);

}  // namespace minissl
