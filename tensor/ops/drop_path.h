#pragma once
#include "tensor/host_device.h"
#include "tensor/operation.h"

namespace minissl::ops {

/// Stochastic depth (Huang et al. 2016, eq. 2) of a branch: y[n] = x[n] / (1 - rate) if drop[first + n] >= rate, else
/// 0. x and y (N, ...); `drop`, any floating type but x's in bf16, has a number in (0, 1) for each image, from `first`
/// on. The gradient is the same operation on dy.
struct DropPath {
  static constexpr const char* name = "drop_path";
  Tensor x, drop, y;
  int64_t first = 0;
  double rate = 0;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const DropPath&);
void kernel(Cuda, const DropPath&);

/// The factor of an image with this number, which may be NaN.
template <class T>
MINISSL_HD T drop_path_factor(T drop, double rate) {
  if (static_cast<double>(drop) >= rate) return static_cast<T>(1 / (1 - rate));
  return static_cast<double>(drop) < rate ? T(0) : drop;
}

}  // namespace minissl::ops
