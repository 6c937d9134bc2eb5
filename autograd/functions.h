#pragma once
#include "autograd/variable.h"
#include "tensor/ops/convolution.h"
#include "tensor/ops/matmul.h"

/// Differentiable operations on Variables. What each computes is defined in tensor/ops/; its derivative is beside it
/// in functions.cpp, or a file of its own. Shapes as there: images (N, H, W, C), matrices (N, D), scalars (1).
namespace minissl {

// Networks
Variable convolution(const Variable& x, const Variable& w, ops::ConvolutionGeometry geometry);
/// The same plus bias (O), where it is defined.
Variable convolution(const Variable& x, const Variable& w, const Variable& bias, ops::ConvolutionGeometry geometry);
/// Transposed convolution (ops::conv_transpose): x (N, H, W, I), w (I, KH, KW, O), bias (O) or undefined.
Variable conv_transpose(const Variable& x, const Variable& w, const Variable& bias, ops::ConvolutionGeometry geometry);

struct BatchNormOptions {
  Variable residual = {};  ///< added before the ReLU where defined
  bool relu = false;
  double eps = 1e-5;
  int64_t groups = 1;  ///< the batch falls into so many equal runs of images, each with statistics of its own
};
struct BatchNormResult {
  Variable y;
  Tensor mean, variance;  ///< (groups, C), of this batch, biased
};
/// With the statistics of the batch. Throws Error when there is one element per channel only: it has no variance; and
/// when the groups don't divide the batch.
BatchNormResult batch_norm(const Variable& x, const Variable& weight, const Variable& bias,
                           const BatchNormOptions& options = {});
/// With given statistics. Has no derivative: throws Error where one would be needed.
Variable batch_norm_inference(const Variable& x, const Tensor& weight, const Tensor& bias, const Tensor& mean,
                              const Tensor& variance, const BatchNormOptions& options = {});
/// The padding is less than the window, which is at most 16 wide.
Variable max_pool(const Variable& x, int64_t window, int64_t stride, int64_t padding);
/// (N, C), in f32 for x in bf16: networks end here.
Variable global_average_pool(const Variable& x);
/// x W^T + b: x (..., I), weight (O, I), bias (O) or undefined.
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
/// (..., M, K) times (..., K, N), or times (K, N); ops::matmul says more.
Variable matmul(const Variable& a, const Variable& b, ops::Transposed transposed = {});
/// x (..., D) plus row (D), which is f32 where x is bf16.
Variable add_row(const Variable& x, const Variable& row);
/// Each row divided by its Euclidean norm (at least 1e-12).
Variable normalize(const Variable& x);
/// (N, 1): the dot product of each row of a with the same row of b.
Variable rowwise_dot(const Variable& a, const Variable& b);
/// (N, A + B): b's columns after a's.
Variable concat(const Variable& a, const Variable& b);
/// (A + B, D): b's rows after a's.
Variable concat_rows(const Variable& a, const Variable& b);
/// x's rows (along the outermost dimension) in another order: y[i] = x[order[i]], order i64 (N), a permutation.
Variable permute_rows(const Variable& x, const Tensor& order);
/// (D): the unbiased variance of each column of (N, D).
Variable column_variance(const Variable& x);
/// Each column of x (N, D) minus its mean.
Variable center_columns(const Variable& x);
/// Each column of x (N, D) minus its mean, divided by its standard deviation (unbiased) + 1e-6.
Variable standardize(const Variable& x);
/// The square matrix x with `value` in place of its diagonal.
Variable fill_diagonal(const Variable& x, double value);

/// x with its elements converted to `type`; x itself where they are of it already. The gradient is converted back.
Variable cast(const Variable& x, DType type);
/// The same where the converted elements are there already: the copy of a weight that several uses share.
Variable cast(const Variable& x, const Tensor& converted);

// To scalars
Variable sum(const Variable& x);
Variable mean(const Variable& x);
/// Mean over the rows of -log softmax(logits)[target]: logits (N, K), targets i64 (N).
Variable cross_entropy(const Variable& logits, const Tensor& targets);

struct InfoNce {
  Variable loss;       ///< (1)
  Tensor positive;     ///< (N, 1): q[n] . k[n]
  Tensor log_sum_exp;  ///< (N): of each row of logits
};
/// InfoNCE as in MoCo (He et al. 2020, eq. 1): the mean over n of
///   -log( exp(q[n] . k[n] / T) / (exp(q[n] . k[n] / T) + sum over j of exp(q[n] . negatives[j] / T)) ).
/// Queries q and their positive keys k (N, D), negative keys (K, D), K > 0. The logits, (N, 1 + K), are never in
/// memory; what is kept for backward has q's size.
InfoNce info_nce(const Variable& q, const Variable& k, const Tensor& negatives, double temperature);

struct DiagonalDistance {
  Variable loss;   ///< (1): on_weight * on + off_weight * off
  Tensor on, off;  ///< (1): sum over i of (c[i,i] - target)^2, and over i != j of c[i,j]^2
};
/// How far the square matrix c is from a multiple of the identity. Makes no second matrix of c's size; its gradient
/// one.
DiagonalDistance diagonal_distance(const Variable& c, double target, double on_weight, double off_weight);

/// The value alone: nothing flows back through it.
inline Variable detach(const Variable& x) { return x.value(); }

}  // namespace minissl
