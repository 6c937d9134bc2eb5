#pragma once
#include <memory>
#include <vector>

#include "nn/backbones/visible_cells.h"
#include "nn/layers.h"

namespace minissl {

/// One learned vector for each scale, (1, C, 1, 1) as in PyTorch. Initialised normal with standard deviation 0.02, cut
/// off at that deviation.
class MaskTokens : public Module {
 public:
  explicit MaskTokens(const std::vector<int64_t>& channels);
  /// (C)
  Variable at(size_t scale) const;

 private:
  void initialize_own(uint64_t seed, const std::string& path) override;

  std::vector<Variable> tokens_;
};

/// Fills the hidden places of an encoder's sparse maps for a decoder that sees all places (Tian et al. 2023, section
/// 3.3): normalise the visible places, put a mask token in the others, convolve to the decoder's width. Scales are
/// numbered from the coarsest, the first; its convolution is 1x1, or none if the width stays; the others are 3x3.
class Densifier : public Module {
 public:
  /// Channels of each map, and of each result, coarsest first.
  Densifier(const std::vector<int64_t>& channels, const std::vector<int64_t>& widths);
  size_t scales() const { return norms_.size(); }
  /// Maps (N, H, W, channels[s]), coarsest first, to (N, H, W, widths[s]).
  std::vector<Variable> forward(const std::vector<Variable>& maps, const VisibleCells& visible);

 private:
  Variable forward(size_t scale, const Variable& map, const VisibleCells& visible);

  MaskTokens tokens_;
  Module norms_list_, projections_list_;
  std::vector<std::unique_ptr<BatchNorm>> norms_;
  std::vector<std::unique_ptr<Conv2d>> projections_;  // null: none
};

}  // namespace minissl
