#pragma once
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace minissl {

/// How widely embeddings spread. In a collapse the loss falls while the spread vanishes.
struct CollapseMetrics {
  double std = 0;              ///< standard deviation, mean over the dimensions; also shrinks with the norm
  double mean_cos = 0;         ///< mean cosine of two different images' embeddings: 1 when all point the same way
  double eff_rank = 0;         ///< effective rank (Roy and Vetterli 2007): exp of the entropy of the singular values of
                               ///< the centred embeddings, normalised to sum 1: how many directions are in use
  double std_normalized = 0;   ///< std of the embeddings divided by their norms (Chen and He 2021): 1 / sqrt(D) when
                               ///< they cover the sphere evenly, 0 when collapsed to a point, whatever the norm
  double norm = 0;             ///< mean Euclidean norm
  int64_t count = 0, dim = 0;  ///< N and D of the embeddings measured
};

/// std_normalized relative to an even cover of the sphere: 0 to 1 in any dimension.
inline double relative_spread(const CollapseMetrics& metrics, int64_t dim) {
  return metrics.std_normalized * std::sqrt(static_cast<double>(dim));
}

/// Metrics of embeddings (N, D), N > 1.
CollapseMetrics collapse_metrics(const Tensor& embeddings);

/// Below these, embeddings count as collapsed: relative_spread, and effective rank relative to the possible one.
inline constexpr double least_spread = 0.1, least_rank = 0.05;

struct CollapseVerdict {
  enum class Level { healthy, watch, collapsed };
  Level level = Level::healthy;
  std::string text;  ///< one sentence for the user
};
const char* name_of(CollapseVerdict::Level level);

/// Judges the last of a run's measurements of one kind of embedding (backbone or projection), given the earlier ones.
/// Its count and dim bound the possible rank; those of the earlier ones may be unknown (0).
CollapseVerdict judge_collapse(const std::vector<CollapseMetrics>& history);

/// What a loss says about distributions that are its targets, such as those that one network gives another (Caron et
/// al. 2021, section 5.3), in nats. The cross entropy is the sum of the two.
struct TargetMetrics {
  double entropy = 0;   ///< of the targets: 0 to ln(outputs)
  double kl = 0;        ///< their divergence from the predictions: near 0 when these no longer depend on the image
  int64_t outputs = 0;  ///< K, of each target
  std::string what = "the target";
  std::string if_uniform = {}, if_one_hot = {};  ///< advice
};
/// As a fraction of ln(outputs): an entropy or a divergence below it counts as 0, and an entropy within it of
/// ln(outputs) as that of the uniform distribution.
inline constexpr double least_information = 0.005;

/// Judges targets at the given look at a network, from 1 on: they have collapsed to the uniform distribution, or to one
/// output that is the same for all images, or they are healthy. Returns nothing if the figures are unknown (NaN) or
/// there are no outputs.
std::optional<CollapseVerdict> judge_targets(const TargetMetrics& now, size_t looks);

}  // namespace minissl
