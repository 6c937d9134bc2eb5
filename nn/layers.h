#pragma once
#include <memory>
#include <optional>
#include <utility>

#include "autograd/functions.h"
#include "nn/module.h"

namespace minissl {

/// How the weights of a convolution are drawn at first. Biases begin at 0, but with `uniform`.
enum class ConvolutionDraw {
  fan_out,  ///< normal with variance 2 / (O K K), He et al. 2015: torchvision's ResNet
  uniform,  ///< uniform within 1 / sqrt(I K K), biases as well: PyTorch's default
  small     ///< normal with standard deviation 0.02: the decoders of masked image modelling
};

struct Conv2dOptions {
  bool bias = false;
  ConvolutionDraw draw = ConvolutionDraw::fan_out;
};

/// Square convolution: weight (O, K, K, I), bias (O).
class Conv2d : public Module {
 public:
  Conv2d(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding, const Conv2dOptions& options = {});
  /// (N, H, W, I) to (N, OH, OW, O). Images of another type than the weights (bf16) use a copy of the weights,
  /// converted once after each change.
  Variable forward(const Variable& x) const;
  const Variable& weight() const { return weight_; }
  ops::ConvolutionGeometry geometry() const { return geometry_; }

 private:
  void initialize_own(uint64_t seed, const std::string& path) override;

  Variable weight_, bias_;
  std::shared_ptr<ConvertedCopy> converted_ = std::make_shared<ConvertedCopy>();
  ops::ConvolutionGeometry geometry_;
  ConvolutionDraw draw_;
};

/// Square transposed convolution with bias, PyTorch's ConvTranspose2d: weight (I, K, K, O), in files (I, O, K, K).
/// Initialised as a convolution from its outputs to its inputs is, as PyTorch does; `fan_out` is what SparK's decoder
/// has.
class ConvTranspose2d : public Module {
 public:
  ConvTranspose2d(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t padding,
                  ConvolutionDraw draw = ConvolutionDraw::fan_out);
  /// (N, H, W, I) to (N, OH, OW, O) with OH = (H - 1) stride - 2 padding + K. Types as in Conv2d.
  Variable forward(const Variable& x) const;

 private:
  void initialize_own(uint64_t seed, const std::string& path) override;

  Variable weight_, bias_;
  std::shared_ptr<ConvertedCopy> converted_ = std::make_shared<ConvertedCopy>();
  ops::ConvolutionGeometry geometry_;
  ConvolutionDraw draw_;
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

  /// The map of each channel in evaluation: y = scale x + shift, both (C), in the parameters' type.
  struct ChannelMap {
    Tensor scale, shift;
  };
  ChannelMap in_evaluation() const;

 private:
  void initialize_own(uint64_t seed, const std::string& path) override;
  /// Weight and bias (C); 1 and 0 for a layer without them.
  std::pair<Variable, Variable> affine() const;
  /// Statistics (groups, C), each over `count` elements.
  void track(const Tensor& mean, const Tensor& variance, int64_t count);

  int64_t groups_;
  Variable weight_, bias_;  // undefined: 1 and 0
  Tensor running_mean_, running_var_, num_batches_tracked_;
};

/// Layer normalisation over the last dimension (Ba et al. 2016).
class LayerNorm : public Module {
 public:
  explicit LayerNorm(int64_t width, double eps = 1e-6);
  Variable forward(const Variable& x) const { return layer_norm(x, weight_, bias_, eps_); }

 private:
  void initialize_own(uint64_t seed, const std::string& path) override;

  Variable weight_, bias_;
  double eps_;
};

/// How the weights of a linear layer are drawn.
enum class LinearInit {
  pytorch,  ///< weight and bias uniform within 1 / sqrt(I), as PyTorch does
  normal,   ///< normal with a given standard deviation, bias 0: DINO's and BEiT's transformers
  xavier    ///< uniform within sqrt(6 / (I + O)) (Glorot and Bengio 2010), bias 0: MAE's and MoCo v3's
};

struct LinearOptions {
  bool bias = true;
  /// Whether inputs may have another type than the weights (bf16); arenas then keep a converted copy of the weights.
  bool converted = false;
  LinearInit init = LinearInit::pytorch;
  double deviation = 0.02;  ///< normal: its standard deviation
  int64_t parts = 1;        ///< xavier: the O outputs are those of so many layers, each drawn as a layer of its own
};

/// x W^T + b: weight (O, I).
class Linear : public Module {
 public:
  Linear(int64_t in, int64_t out, const LinearOptions& options = {});
  /// (..., I) to (..., O), in the type of x; plus `residual` (..., O), if it is defined.
  Variable forward(const Variable& x, const Variable& residual = {}) const;
  /// gains (x W^T + b) + residual, with gains (O): of the product of the gains and the layer's parameters, so that
  /// nothing of x's size is kept for the gradient of the gains.
  Variable forward_scaled(const Variable& x, const Variable& gains, const Variable& residual = {}) const;
  /// For operations that add the bias themselves.
  Variable forward_without_bias(const Variable& x) const;
  const Variable& weight() const { return weight_; }
  const Variable& bias() const { return bias_; }

 private:
  void initialize_own(uint64_t seed, const std::string& path) override;

  LinearInit init_;
  double deviation_;
  int64_t parts_;
  Variable weight_, bias_;
  std::shared_ptr<ConvertedCopy> converted_ = std::make_shared<ConvertedCopy>();
};

/// x W^T without a bias, row k of W being g_k v_k / |v_k| (Salimans and Kingma 2016): v_k as Linear's weight,
/// g_k = 1 at first.
class WeightNormLinear : public Module {
 public:
  enum class Gains { trained, fixed };  ///< fixed: g is a buffer of ones, which no optimizer sees
  WeightNormLinear(int64_t in, int64_t out, Gains gains);
  /// (N, I) to (N, O).
  Variable forward(const Variable& x) const;

 private:
  void initialize_own(uint64_t seed, const std::string& path) override;

  Variable weight_v_, weight_g_;  // (O, I), (O, 1); g is undefined if it is fixed
  Tensor fixed_g_;
};

}  // namespace minissl
