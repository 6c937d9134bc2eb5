#pragma once
#include <span>

#include "tensor/finish.h"
#include "tensor/shape.h"

/// The ways in which the CPU computes convolutions in f32, on plain pointers; internal. A new way is a file that
/// defines a Way, and a line in the table of ways.cpp.
namespace minissl {

/// The three tensors of a convolution, whichever of them is computed, and its geometry:
/// x (N, H, W, I), w (O, KH, KW, I), y (N, OH, OW, O).
struct ConvolutionShapes {
  Shape x, w, y;
  int64_t stride, padding;
};

struct Way {
  const char* name;
  /// Whether this way can compute a convolution and is likely to be the fastest. Depends on the shapes alone, so that
  /// all three directions, and a dry run, come to the same answer.
  bool (*applies)(const ConvolutionShapes&);

  void (*forward)(const ConvolutionShapes&, const float* x, const float* w, float* y, const Finish&);
  void (*input_gradient)(const ConvolutionShapes&, const float* dy, const float* w, float* dx);
  void (*weight_gradient)(const ConvolutionShapes&, const float* dy, const float* x, float* dw);

  /// Bytes that each direction takes from the allocator while it runs.
  int64_t (*forward_bytes)(const ConvolutionShapes&);
  int64_t (*input_gradient_bytes)(const ConvolutionShapes&);
  int64_t (*weight_gradient_bytes)(const ConvolutionShapes&);
};

/// All ways. The first that applies is taken; the last always does.
std::span<const Way* const> convolution_ways();
const Way& way_for(const ConvolutionShapes& shapes);

}  // namespace minissl
