#pragma once
#include <map>

#include "tensor/tensor.h"

namespace minissl {

/// Which cells of a grid on each image are visible, and their positions in feature maps of any size (Tian et al. 2023,
/// SparK).
class VisibleCells {
 public:
  /// `kept`: i64 (N, K), cells of a `grid` x `grid` grid, numbered row by row. Throws Error for another shape or type,
  /// and on the CPU for a number beyond the grid.
  VisibleCells(const Tensor& kept, int64_t grid);

  /// The visible rows of a map (N, H, W, C) viewed as (N H W, C): i64, on the map's device. Throws Error unless H = W
  /// and the grid divides it.
  const Tensor& positions(const Shape& map) const;
  /// The inverse, i64 (N H W): for each row of the map, which of positions() it is, or -1 if it is hidden.
  Tensor places(const Shape& map) const;

 private:
  void require_fits(const Shape& map) const;

  Tensor kept_;
  int64_t grid_;
  mutable std::map<int64_t, Tensor> by_extent_;  // positions
};

}  // namespace minissl
