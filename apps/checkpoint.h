#pragma once
#include <filesystem>
#include <vector>

#include "nn/optimizer.h"
#include "ssl/method.h"

namespace minissl {

/// A run's progress, apart from its weights.
struct RunPosition {
  int64_t epoch = 0;               ///< the current epoch, from 0, which is also the number of epochs done
  int64_t step_in_epoch = 0;       ///< optimizer steps done in this epoch
  int64_t step = 0;                ///< optimizer steps done in total
  bool variance_joined = false;    ///< the variance term was added to the loss (--on-collapse variance)
  std::vector<double> epoch_sums;  ///< sums of the loss and its terms over this epoch's steps so far
};

/// Writes the complete state of a run: weights, buffers, queue, optimizer, position. The file appears whole or not at
/// all.
void save_checkpoint(const std::filesystem::path& path, Method& method, const Optimizer& optimizer,
                     const RunPosition& position, const Metadata& metadata);

/// Reads it back into a method and an optimizer made with the same flags. Throws Error naming any mismatch.
RunPosition load_checkpoint(const std::filesystem::path& path, Method& method, Optimizer& optimizer);

}  // namespace minissl
