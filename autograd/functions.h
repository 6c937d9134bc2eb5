#pragma once
#include "autograd/variable.h"
#include "tensor/ops/convolution.h"
#include "tensor/ops/matmul.h"

/// Differentiable operations on Variables. What each computes is defined in tensor/ops/; its derivative is beside it
/// in functions.cpp. Shapes as there: images (N, H, W, C), matrices (N, D), scalars (1).
namespace minissl {

// Networks
Variable convolution(const Variable& x, const Variable& w, ops::ConvolutionGeometry geometry);

struct BatchNormOptions {
  Variable residual = {};  ///< added before the ReLU where defined
  bool relu = false;
  double eps = 1e-5;
};
struct BatchNormResult {
  Variable y;
  Tensor mean, variance;  ///< (C), of this batch, biased
};
/// With the statistics of the batch. Throws Error when there is one element per channel only: it has no variance.
BatchNormResult batch_norm(const Variable& x, const Variable& weight, const Variable& bias,
                           const BatchNormOptions& options = {});
/// With given statistics. Has no derivative: throws Error where one would be needed.
Variable batch_norm_inference(const Variable& x, const Tensor& weight, const Tensor& bias, const Tensor& mean,
                              const Tensor& variance, const BatchNormOptions& options = {});
/// The padding is less than the window, which is at most 16 wide.
Variable max_pool(const Variable& x, int64_t window, int64_t stride, int64_t padding);
Variable global_average_pool(const Variable& x);
/// x W^T + b: x (N, I), weight (O, I), bias (O) or undefined.
Variable linear(const Variable& x, const Variable& weight, const Variable& bias);

// Element by element
Variable relu(const Variable& x);
Variable sqrt(const Variable& x);
Variable square(const Variable& x);
/// factor * x + offset
Variable affine(const Variable& x, double factor, double offset);
Variable operator+(const Variable& a, const Variable& b);
Variable operator-(const Variable& a, const Variable& b);
Variable operator*(const Variable& a, const Variable& b);
inline Variable operator+(const Variable& a, double b) { return affine(a, 1, b); }
inline Variable operator-(const Variable& a, double b) { return affine(a, 1, -b); }
inline Variable operator-(double a, const Variable& b) { return affine(b, -1, a); }
inline Variable operator*(double a, const Variable& b) { return affine(b, a, 0); }
inline Variable operator*(const Variable& a, double b) { return affine(a, b, 0); }
inline Variable operator/(const Variable& a, double b) { return affine(a, 1 / b, 0); }

// Rows and columns
Variable matmul(const Variable& a, const Variable& b, ops::Transposed transposed = {});
/// x (N, D) plus row (D).
Variable add_row(const Variable& x, const Variable& row);
/// Each row divided by its Euclidean norm (at least 1e-12).
Variable normalize(const Variable& x);
/// (N, 1): the dot product of each row of a with the same row of b.
Variable rowwise_dot(const Variable& a, const Variable& b);
/// (N, A + B): b's columns after a's.
Variable concat(const Variable& a, const Variable& b);
/// (D): the unbiased variance of each column of (N, D).
Variable column_variance(const Variable& x);

// To scalars
Variable sum(const Variable& x);
Variable mean(const Variable& x);
/// Mean over the rows of -log softmax(logits)[target]: logits (N, K), targets i64 (N).
Variable cross_entropy(const Variable& logits, const Tensor& targets);

/// The value alone: nothing flows back through it.
inline Variable detach(const Variable& x) { return x.value(); }

}  // namespace minissl
