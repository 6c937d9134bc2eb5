#pragma once
#include "nn/module.h"

namespace minissl {

/// BEiT's relative positions (Bao et al. 2022, appendix; Liu et al. 2021, eq. 4): a bias on the attention's logits that
/// depends on the head and on how far apart query and key are in rows and columns. One table for all blocks, of
/// (2 g - 1)^2 + 3 rows for a grid of g x g patches: row (dy + g - 1) (2 g - 1) + dx + g - 1 for offsets dy, dx of
/// query minus key; the last three for the class token as query, as key, and as both.
class RelativePositionBias : public Module {
 public:
  RelativePositionBias(int64_t grid, int64_t heads);
  /// (heads, 1 + g^2, 1 + g^2), the class token first.
  Variable forward() const;

 private:
  void initialize_own(uint64_t seed, const std::string& path) override;

  Variable table_;  // (rows, heads)
  Tensor index_;    // i64 (1 + g^2, 1 + g^2): rows of the table
};

}  // namespace minissl
