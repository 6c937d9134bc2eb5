#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "tensor/dtype.h"
#include "tensor/ops/convolution.h"

/// A convolution as it is described to a GPU library: everything that a plan for it depends on, and nothing else. Plain
/// values, the same with and without a GPU.
namespace minissl::cuda {

/// Extents or strides in cuDNN's order: (N, C, H, W), weights (O, I, H, W).
using Extents = std::array<int64_t, 4>;

struct ConvolutionProblem {
  enum class Direction : uint8_t { forward, input_gradient, weight_gradient };

  Direction direction;
  Extents x, w, y;  ///< images, weights and outputs, whichever of them is computed
  int64_t stride, padding;
  DType type;
  int64_t alignment;  ///< bytes: of all three tensors
  bool tf32;          ///< f32 on tensor cores, which round factors to 10 bits
  bool winograd;      ///< whether f32 may use Winograd's products

  auto operator<=>(const ConvolutionProblem&) const = default;
  /// "forward bf16 x 32,64,56,56 w 64,64,3,3 y 32,64,56,56 stride 1 padding 1 aligned 16 exact"
  std::string str() const;
};

/// From an operation's shapes: images (N, H, W, C), weights (O, H, W, I).
Extents channels_first(const Shape& channels_last);
/// The strides of a tensor with these extents whose channels are innermost in memory.
Extents channels_last_strides(const Extents& extents);
/// The largest power of two up to 16 that divides all addresses.
int64_t common_alignment(std::initializer_list<const void*> addresses);

ConvolutionProblem problem_of(const ops::Convolution& op);
ConvolutionProblem problem_of(const ops::ConvolutionInputGradient& op);
ConvolutionProblem problem_of(const ops::ConvolutionWeightGradient& op);

}  // namespace minissl::cuda
