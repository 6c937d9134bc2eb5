#pragma once
#include "tensor/operation.h"

namespace minissl::ops {

/// Maximum over square windows: x (N, H, W, C), y and positions (N, OH, OW, C). Padding is never the maximum. positions
/// (u8) hold the first place of the maximum in its window, counted row by row: one byte each is all that the gradient
/// needs, for windows of up to 16. The padding is less than the window.
struct MaxPool {
  static constexpr const char* name = "max_pool";
  Tensor x, y, positions;
  int64_t window = 3, stride = 2, padding = 1;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const MaxPool&);
void kernel(Cpu, const MaxPool&);
void kernel(Cuda, const MaxPool&);

/// dx (N, H, W, C) from dy and positions (N, OH, OW, C).
struct MaxPoolGradient {
  static constexpr const char* name = "max_pool_gradient";
  Tensor dy, positions, dx;
  int64_t window = 3, stride = 2, padding = 1;
  const Tensor& dispatch() const { return dy; }
};
void kernel(Reference, const MaxPoolGradient&);
void kernel(Cpu, const MaxPoolGradient&);
void kernel(Cuda, const MaxPoolGradient&);

/// Mean over each image: x (N, H, W, C), y (N, C).
struct GlobalAveragePool {
  static constexpr const char* name = "global_average_pool";
  Tensor x, y;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const GlobalAveragePool&);
void kernel(Cuda, const GlobalAveragePool&);

/// dx (N, H, W, C) from dy (N, C).
struct GlobalAveragePoolGradient {
  static constexpr const char* name = "global_average_pool_gradient";
  Tensor dy, dx;
  const Tensor& dispatch() const { return dy; }
};
void kernel(Reference, const GlobalAveragePoolGradient&);
void kernel(Cuda, const GlobalAveragePoolGradient&);

}  // namespace minissl::ops
