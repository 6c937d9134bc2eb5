#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "nn/optimizer.h"
#include "ssl/method.h"

namespace minissl {

/// A run's progress, apart from its weights. Epoch and place within it follow from `step`.
struct RunPosition {
  int64_t step = 0;              ///< optimizer steps done
  bool variance_joined = false;  ///< the variance term was added to the loss (--on-collapse variance)
  /// Sums of the loss and its terms over the steps of the epoch so far. Empty once the work at the end of an epoch (its
  /// line in the log, the look for collapse, the evaluation) is done.
  std::vector<double> epoch_sums;
};

/// The first tensor of a run's state that has a number that is not finite: no run could go on from it.
std::optional<std::string> find_not_finite(Method& method, const Optimizer& optimizer);

/// Writes the complete state of a run: weights, buffers, queue, optimizer, position. The file appears whole or not at
/// all.
void save_checkpoint(const std::filesystem::path& path, Method& method, const Optimizer& optimizer,
                     const RunPosition& position, const Metadata& metadata);

/// Reads it back into a method and an optimizer made with the same flags. Throws Error naming any mismatch.
RunPosition load_checkpoint(const std::filesystem::path& path, Method& method, Optimizer& optimizer);

/// What a checkpoint says of itself.
struct CheckpointSummary {
  std::filesystem::path path;
  RunPosition position;
  Metadata metadata;

  std::filesystem::path folder() const { return std::filesystem::absolute(path).parent_path(); }
};
/// Reads and checks all of a checkpoint. Throws Error if it is damaged, or is none.
CheckpointSummary read_checkpoint(const std::filesystem::path& path);
/// The undamaged checkpoint in a run's folder with the most steps.
std::optional<CheckpointSummary> newest_good_checkpoint(const std::filesystem::path& folder);

}  // namespace minissl
