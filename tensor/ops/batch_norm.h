#pragma once
#include "tensor/operation.h"

/// Batch normalisation (Ioffe and Szegedy 2015) over all dimensions but the last, the channels, with the addition and
/// the ReLU that follow it in a ResNet: y = relu((x - mean) / sqrt(variance + eps) * weight + bias + residual).
/// M below is the number of elements per channel, C the number of channels.
///
/// Each direction is two operations, a reduction over the batch and its application, because other work may come
/// between them: an all-reduce over the processes that share a batch, a mask, a convolution fused with either.
/// autograd/batch_norm.cpp puts them together.
namespace minissl::ops {

/// mean and variance (C) of each channel of x (..., C), the variance divided by M.
struct BatchNormStatistics {
  static constexpr const char* name = "batch_norm_statistics";
  Tensor x, mean, variance;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const BatchNormStatistics&);
void kernel(Cpu, const BatchNormStatistics&);
void kernel(Cuda, const BatchNormStatistics&);
int64_t workspace_bytes(Cpu, const BatchNormStatistics&);

/// y from x and given statistics: those of the batch in training, running averages in evaluation.
struct BatchNorm {
  static constexpr const char* name = "batch_norm";
  Tensor x, weight, bias;  ///< (..., C), (C), (C)
  Tensor mean, variance;   ///< (C)
  Tensor residual;         ///< like x, or undefined: nothing is added
  Tensor y;
  double eps = 1e-5;
  bool relu = false;
  Tensor mask = {};  ///< u8 (..., ceil(C / 8)), or undefined: a bit for each y > 0 (tensor/bits.h)
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const BatchNorm&);
void kernel(Cpu, const BatchNorm&);
void kernel(Cuda, const BatchNorm&);

/// The sums over the batch that the gradients of BatchNorm need. With g = dy where there was no ReLU or its output was
/// positive, else 0:
///   sums[0] = sum of g,  sums[1] = sum of g (x - mean),
///   dbias = sums[0],  dweight = sums[1] / sqrt(variance + eps).
/// The sums are f64 on every backend: the application computes with them unrounded. The ReLU's mask is the one that
/// BatchNorm wrote, or, where nothing was added before the ReLU, follows from x.
struct BatchNormGradientSums {
  static constexpr const char* name = "batch_norm_gradient_sums";
  Tensor dy, x, weight, bias, mean, variance;
  Tensor mask;            ///< of BatchNorm, or undefined
  Tensor sums;            ///< f64 (2, C)
  Tensor dweight, dbias;  ///< (C)
  double eps = 1e-5;
  bool relu = false;
  const Tensor& dispatch() const { return dy; }
};
void kernel(Reference, const BatchNormGradientSums&);
void kernel(Cpu, const BatchNormGradientSums&);
void kernel(Cuda, const BatchNormGradientSums&);
int64_t workspace_bytes(Cpu, const BatchNormGradientSums&);

/// dx and dresidual = g from the sums. With x^ = (x - mean) / sqrt(variance + eps):
///   dx = weight / sqrt(variance + eps) * (g - sum(g) / count - x^ sum(g x^) / count).
/// `count` is the number of elements per channel that the statistics and the sums were taken over: more than M where
/// several processes share a batch. dx or dresidual, but not both, may be dy.
struct BatchNormGradient {
  static constexpr const char* name = "batch_norm_gradient";
  Tensor dy, x, weight, bias, mean, variance;
  Tensor mask;  ///< of BatchNorm, or undefined
  Tensor sums;  ///< of BatchNormGradientSums
  Tensor dx;
  Tensor dresidual;  ///< like x, or undefined: not wanted
  int64_t count = 0;
  double eps = 1e-5;
  bool relu = false;
  const Tensor& dispatch() const { return dy; }
};
void kernel(Reference, const BatchNormGradient&);
void kernel(Cpu, const BatchNormGradient&);
void kernel(Cuda, const BatchNormGradient&);

/// The running averages r of G batches' statistics, in place: r += momentum * (s - r), s being the mean over the
/// batches of their mean, and of their variance divided by M - 1.
struct TrackStatistics {
  static constexpr const char* name = "track_statistics";
  Tensor mean, variance;                  ///< (G, C), as BatchNormStatistics returns them
  Tensor running_mean, running_variance;  ///< (C)
  Tensor batches;                         ///< i64 (): how many were tracked
  int64_t count = 2;                      ///< M of each batch
  double momentum = 0.1;
  const Tensor& dispatch() const { return mean; }
};
void kernel(Reference, const TrackStatistics&);
void kernel(Cuda, const TrackStatistics&);

}  // namespace minissl::ops
