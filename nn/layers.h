#pragma once
#include <memory>
#include <optional>

#include "autograd/functions.h"
#include "nn/module.h"

namespace minissl {

/// Square convolution without bias: weight (O, K, K, I). Initialised as in torchvision's ResNet: normal with
/// variance 2 / (O K K), He et al. 2015, "fan out".
class Conv2d : public Module {
 public:
  Conv2d(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding);
  /// (N, H, W, I) to (N, OH, OW, O). Images of another type than the weights (bf16) use a copy of the weights,
  /// converted once after each change.
  Variable forward(const Variable& x) const;

 private:
  void initialize_own(uint64_t seed, const std::string& path) override;

  Variable weight_;
  std::shared_ptr<ConvertedCopy> converted_ = std::make_shared<ConvertedCopy>();
  ops::ConvolutionGeometry geometry_;
};

/// Batch normalisation over all dimensions but the last, with running averages (momentum 0.1, unbiased variance) for
/// evaluation mode. Covers PyTorch's BatchNorm1d and BatchNorm2d.
///
/// With several groups, each run of N / groups images has its own statistics, as if it were on its own device; the
/// running averages are updated with the mean of the groups' statistics.
class BatchNorm : public Module {
 public:
  enum class Affine { yes, no };  ///< no: neither weight nor bias
  explicit BatchNorm(int64_t channels, int64_t groups = 1, Affine affine = Affine::yes);

  struct Fused {
    Variable residual = {};
    bool relu = false;
    Tensor positions = {};  ///< i64: visible rows of x viewed as (M, C); the others are ignored, and 0 in y
  };
  /// x (..., C); adds the residual and applies the ReLU in the same pass.
  Variable forward(const Variable& x, const Fused& fused);

 private:
  void initialize_own(uint64_t seed, const std::string& path) override;
  /// Statistics (groups, C), each over `count` elements.
  void track(const Tensor& mean, const Tensor& variance, int64_t count);

  int64_t groups_;
  Variable weight_, bias_;  // undefined: 1 and 0
  Tensor running_mean_, running_var_, num_batches_tracked_;
};

struct LinearOptions {
  bool bias = true;
  /// Whether inputs may have another type than the weights (bf16); arenas then keep a converted copy of the weights.
  bool converted = false;
};

/// x W^T + b: weight (O, I), both initialised uniformly within 1 / sqrt(I), as PyTorch does.
class Linear : public Module {
 public:
  Linear(int64_t in, int64_t out, const LinearOptions& options = {});
  /// (..., I) to (..., O), in the type of x.
  Variable forward(const Variable& x) const;

 private:
  void initialize_own(uint64_t seed, const std::string& path) override;

  Variable weight_, bias_;
  std::shared_ptr<ConvertedCopy> converted_ = std::make_shared<ConvertedCopy>();
};

}  // namespace minissl
