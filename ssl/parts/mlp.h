#pragma once
#include <memory>
#include <vector>

#include "nn/layers.h"

namespace minissl {

/// The widths of layers after `features` inputs: features, widths[0], widths[1], ...
std::vector<int64_t> after(int64_t features, std::vector<int64_t> widths);

/// A projector or predictor: Linear layers with BatchNorm and ReLU between them, named by position as in PyTorch's
/// Sequential ("0", "1", "3", "4", "6"). Linear layers have no bias unless asked for: batch normalisation cancels it.
class Mlp : public Module {
 public:
  enum class Last {
    linear,  ///< no bias either
    linear_with_bias,
    linear_all_biased,  ///< and so are the layers before it, as in SwAV's code
    batch_norm          ///< one more, without weight and bias: SimSiam's projector
  };
  /// `widths`: from input to output.
  explicit Mlp(const std::vector<int64_t>& widths, Last last = Last::linear);
  /// (N, widths.front()) to (N, widths.back()).
  Variable forward(const Variable& x) { return finish(raw(x)); }
  /// The same in two parts: up to the last Linear layer, and the batch normalisation after it, if any.
  Variable raw(const Variable& x);
  Variable finish(const Variable& raw);

 private:
  std::vector<std::unique_ptr<Linear>> linears_;
  std::vector<std::unique_ptr<BatchNorm>> norms_;
};

}  // namespace minissl
