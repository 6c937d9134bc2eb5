#pragma once
#include "ssl/method.h"

namespace minissl {

/// Images (N, S, S, C) f32 on the CPU, normalised as a method's input.
struct Reconstruction {
  Tensor images;
  Tensor masked;   ///< hidden pixels are 0, the mean of the data; undefined if nothing is hidden
  Tensor painted;  ///< hidden pixels, or all, are the method's prediction
};

/// A method that paints images: the parts that it hides from its encoder, or the whole.
class PaintingMethod : public Method {
 public:
  /// What it paints for a batch in evaluation mode, without recording.
  virtual Reconstruction reconstruct(const Batch& batch) = 0;
};

/// Puts predictions into images. `hidden` (N, L) is 1 where a cell of the grid is hidden, `pred` (N, L, P) the
/// prediction of each cell. `normalized`: the predictions are normalised over each cell, and get its true mean and
/// deviation back; without that, the picture would show the contrast within each cell alone.
Reconstruction reconstruction(const Tensor& images, const Tensor& hidden, const Tensor& pred, int64_t grid,
                              bool normalized);

}  // namespace minissl
