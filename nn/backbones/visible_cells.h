#pragma once
#include <map>

#include "tensor/tensor.h"

namespace minissl {

/// Which cells of a grid on each image are shown, and where that is in feature maps of any size (Tian et al. 2023,
/// SparK).
class VisibleCells {
 public:
  /// `kept`: i64 (N, K), numbers of cells of a grid of `grid` x `grid`, row by row. Throws Error for another shape or
  /// type, and on the CPU for a number beyond the grid.
  VisibleCells(const Tensor& kept, int64_t grid);

  /// The rows of a map (N, H, W, C), seen as (N H W, C), that are visible: i64, on the map's device. Throws Error
  /// unless the grid divides H and W, which are equal.
  const Tensor& positions(const Shape& map) const;

 private:
  Tensor kept_;
  int64_t grid_;
  mutable std::map<int64_t, Tensor> by_extent_;
};

}  // namespace minissl
