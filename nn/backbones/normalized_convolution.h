#pragma once
#include <string>
#include <vector>

#include "nn/layers.h"

namespace minissl {

class VisibleCells;

/// A convolution without bias and the batch normalisation after it, with the addition and the ReLU that may follow.
///
/// In evaluation the normalisation is an affine map of each channel, so it is folded into the convolution, whose kernel
/// also does what follows: with s = weight / sqrt(running_var + eps),
///   y = relu(convolution(x, s w) + (bias - s running_mean) + residual),
/// in one pass over y in the place of two (Jacob et al. 2018, section 3.2).
class NormalizedConvolution : public Module {
 public:
  struct Names {
    std::string convolution, norm;
  };
  /// `names` are those of the two modules in files; add this as a child without a name.
  NormalizedConvolution(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding, int64_t bn_groups,
                        Names names);

  struct Following {
    Variable residual = {};
    bool relu = false;
  };
  /// (N, H, W, I) to (N, OH, OW, O). With `cells`, only these are visible in x and in the result.
  Variable forward(const Variable& x, const VisibleCells* cells, const Following& following);

  /// Forgets the folded weights when training begins: they are as large as the weights.
  void train(bool on = true) override;

 private:
  /// Weights with the normalisation in them, and what they were made from.
  struct Folded {
    Tensor weight, bias;
    struct Source {
      Tensor tensor;
      uint64_t version;
    };
    std::vector<Source> sources;
    bool made_of(const std::vector<StateEntry>& state) const;
  };
  const Folded& folded(DType type);

  Conv2d convolution_;
  BatchNorm norm_;
  Folded folded_;
};

}  // namespace minissl
