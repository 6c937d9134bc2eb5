#pragma once
#include "tensor/operation.h"

/// Batch normalisation (Ioffe and Szegedy 2015) over all dimensions but the last, the channels, with the addition and
/// the ReLU that follow it in a ResNet: y = relu((x - mean) / sqrt(variance + eps) * weight + bias + residual).
/// M below is the number of elements per channel, C the number of channels.
namespace minissl::ops {

/// With the batch's own statistics, which it returns: mean and variance (C), the variance divided by M.
struct BatchNorm {
  static constexpr const char* name = "batch_norm";
  Tensor x, weight, bias;  ///< (..., C), (C), (C)
  Tensor residual;         ///< like x, or undefined: nothing is added
  Tensor y, mean, variance;
  double eps = 1e-5;
  bool relu = false;
  Tensor mask = {};  ///< u8 (..., ceil(C / 8)), or undefined: a bit for each y > 0 (tensor/bits.h)
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const BatchNorm&);
void kernel(Cpu, const BatchNorm&);
void kernel(Cuda, const BatchNorm&);
int64_t workspace_bytes(Cpu, const BatchNorm&);

/// With given statistics (the running averages).
struct BatchNormInference {
  static constexpr const char* name = "batch_norm_inference";
  Tensor x, weight, bias, mean, variance, residual, y;
  double eps = 1e-5;
  bool relu = false;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const BatchNormInference&);
void kernel(Cpu, const BatchNormInference&);
void kernel(Cuda, const BatchNormInference&);

/// Gradient of BatchNorm. Where there was a ReLU, its mask is what BatchNorm returned as such, or, where nothing was
/// added before it, follows from x. dx or dresidual, but not both, may be dy.
struct BatchNormGradient {
  static constexpr const char* name = "batch_norm_gradient";
  Tensor dy, x, weight, bias, mean, variance;
  Tensor mask;  ///< of BatchNorm, or undefined
  Tensor dx, dweight, dbias;
  Tensor dresidual;  ///< like x, or undefined: not wanted
  double eps = 1e-5;
  bool relu = false;
  const Tensor& dispatch() const { return dy; }
};
void kernel(Reference, const BatchNormGradient&);
void kernel(Cpu, const BatchNormGradient&);
void kernel(Cuda, const BatchNormGradient&);
int64_t workspace_bytes(Cpu, const BatchNormGradient&);

/// The running averages r of G batches' statistics, in place: r += momentum * (s - r), s being the mean over the
/// batches of their mean, and of their variance divided by M - 1.
struct TrackStatistics {
  static constexpr const char* name = "track_statistics";
  Tensor mean, variance;                  ///< (G, C), as BatchNorm returns them
  Tensor running_mean, running_variance;  ///< (C)
  Tensor batches;                         ///< i64 (): how many were tracked
  int64_t count = 2;                      ///< M of each batch
  double momentum = 0.1;
  const Tensor& dispatch() const { return mean; }
};
void kernel(Reference, const TrackStatistics&);
void kernel(Cuda, const TrackStatistics&);

}  // namespace minissl::ops
