#pragma once
#include "autograd/variable.h"
#include "tensor/ops/convolution.h"
#include "tensor/ops/matmul.h"

/// Differentiable operations on Variables. tensor/ops/ defines what each computes; its derivative is in functions.cpp
/// or a file of its own. Shapes as in tensor/ops/: images (N, H, W, C), matrices (N, D), scalars (1).
namespace minissl {

// Networks
Variable convolution(const Variable& x, const Variable& w, ops::ConvolutionGeometry geometry);
/// The same plus bias (O), if it is defined.
Variable convolution(const Variable& x, const Variable& w, const Variable& bias, ops::ConvolutionGeometry geometry);
/// relu(convolution + bias + residual) in one pass (ops::ConvolutionFinish). Has no derivative: throws Error where one
/// would be needed.
Variable convolution_inference(const Variable& x, const Tensor& w, ops::ConvolutionGeometry geometry,
                               const ops::ConvolutionFinish& finish);
/// Transposed convolution (ops::conv_transpose): x (N, H, W, I), w (I, KH, KW, O), bias (O) or undefined.
Variable conv_transpose(const Variable& x, const Variable& w, const Variable& bias, ops::ConvolutionGeometry geometry);

struct BatchNormOptions {
  Variable residual = {};  ///< added before the ReLU, if defined
  bool relu = false;
  double eps = 1e-5;
  int64_t groups = 1;  ///< the batch is split into this many equal runs of images, each with its own statistics
  /// i64 (K), distinct, or undefined: rows of x viewed as (M, C). Statistics are taken over these rows only, and y is
  /// zero elsewhere. Needs groups = 1.
  Tensor positions = {};
};
struct BatchNormResult {
  Variable y;
  Tensor mean, variance;  ///< (groups, C), of this batch; the variance is biased
  int64_t count;          ///< elements per channel in each statistic
};
/// Normalises with the statistics of the batch; if Group::current() has several ranks (tensor/group.h), of all ranks'
/// parts, which have equal sizes. The gradients of weight and bias are those of this rank's part: their sum over the
/// ranks is the batch's. Throws Error for a single element per channel, which has no variance, and if the groups don't
/// divide the batch.
BatchNormResult batch_norm(const Variable& x, const Variable& weight, const Variable& bias,
                           const BatchNormOptions& options = {});
/// Normalises with given statistics. Has no derivative: throws Error where one would be needed.
Variable batch_norm_inference(const Variable& x, const Tensor& weight, const Tensor& bias, const Tensor& mean,
                              const Tensor& variance, const BatchNormOptions& options = {});
/// The padding is less than the window, which is at most 16 wide.
Variable max_pool(const Variable& x, int64_t window, int64_t stride, int64_t padding);
/// (N, C), in f32 for x in bf16, because networks end here.
Variable global_average_pool(const Variable& x);
/// x W^T + b + residual: x (..., I), weight (O, I), bias (O), which is f32 if x is bf16, or undefined, residual (...,
/// O) or undefined.
Variable linear(const Variable& x, const Variable& weight, const Variable& bias, const Variable& residual = {});

// Element by element
Variable relu(const Variable& x);
/// min(max(x, 0), 6). Keeps x alone.
Variable relu6(const Variable& x);
Variable sqrt(const Variable& x);
Variable square(const Variable& x);
/// Exact GELU, x times the normal distribution function of x (Hendrycks and Gimpel 2016, eq. 1).
Variable gelu(const Variable& x);
/// The same of x (..., D) plus bias (D), which is f32 if x is bf16. Keeps x alone.
Variable gelu(const Variable& x, const Variable& bias);
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
/// (..., M, K) times (..., K, N), or times (K, N); see ops::matmul.
Variable matmul(const Variable& a, const Variable& b, ops::Transposed transposed = {});
/// (B, A) from (A, B).
Variable transpose(const Variable& x);
/// Multi-head self-attention (Vaswani et al. 2017, eq. 1): softmax(scale q k^T + bias) v for each image and head. qkv
/// (N, L, 3, H, d) is what one projection of N images of L tokens gives, d at most 128; bias (H, L, L), the same for
/// all images, f32 if qkv is bf16, or undefined; y (N, L, H d). Keeps qkv and a number for each query; the logits
/// (N, H, L, L) are never in memory.
Variable attention(const Variable& qkv, double scale, const Variable& bias = {});
/// softmax(scale (x + noise)) of each row of x (N, D), noise (N, D) or undefined. Keeps the result.
Variable softmax(const Variable& x, double scale = 1, const Tensor& noise = {});
/// (N): the entropy in nats of softmax(x) for each row of x (N, D).
Variable softmax_entropy(const Variable& x);
/// The one-hot rows of the largest elements of x (N, D), with the gradient of x itself (Bengio et al. 2013, the
/// straight-through estimator).
Variable straight_through(const Variable& x);
/// x (..., D) plus row (D), which is f32 if x is bf16.
Variable add_row(const Variable& x, const Variable& row);
/// Layer normalisation (Ba et al. 2016) of each row of x (..., D): (x - mean) / sqrt(variance + eps) * weight + bias,
/// weight and bias (D), which are f32 if x is bf16. Vision Transformers use eps = 1e-6. Keeps two numbers for each row.
Variable layer_norm(const Variable& x, const Variable& weight, const Variable& bias, double eps = 1e-6);
/// Stochastic depth (Huang et al. 2016): x[n] / (1 - rate) if drop[first + n] >= rate, else 0, for x (N, ...) and
/// random numbers in (0, 1), f32 if x is bf16.
Variable drop_path(const Variable& x, const Tensor& drop, int64_t first, double rate);
/// Each row divided by its Euclidean norm (at least 1e-12).
Variable normalize(const Variable& x);
/// Each row of x (N, D) times its number in factors (N, 1).
Variable scale_rows(const Variable& x, const Variable& factors);
/// (N, 1): the dot product of each row of a with the same row of b.
Variable rowwise_dot(const Variable& a, const Variable& b);
/// (N, A + B): b's columns after a's.
Variable concat(const Variable& a, const Variable& b);
/// (A + B, D): b's rows after a's.
Variable concat_rows(const Variable& a, const Variable& b);
/// x's rows (along the outermost dimension) in another order: y[i] = x[order[i]], order i64 (N), a permutation.
Variable permute_rows(const Variable& x, const Tensor& order);
/// x's rows by number: y[i] = x[index[i]], index i64 (K), in any order, repeats allowed; or tokens of each image,
/// y[n,k] = x[n, index[n,k]], x (N, L, ...), index i64 (N, K). If an index on a GPU is known to be distinct (for each
/// image), pass Repeats::none: the gradient then reads it once, not once for each row of x.
enum class Repeats { allowed, none };
Variable gather_rows(const Variable& x, const Tensor& index, Repeats repeats = Repeats::allowed);
/// The same for an index that may have other numbers than those of x's rows, such as -1: there, y is `fill`, a row of
/// x's shape, which is f32 if x is bf16. This inserts mask tokens and class tokens (He et al. 2021, section 3).
Variable gather_rows_or(const Variable& x, const Tensor& index, const Variable& fill,
                        Repeats repeats = Repeats::allowed);
/// (rows, ...): y[index[i]] = x[i], zeros in the other rows; index i64 (K), distinct.
Variable scatter_rows(const Variable& x, const Tensor& index, int64_t rows);
/// x's elements in another shape.
Variable view(const Variable& x, const Shape& shape);
/// (D): the unbiased variance of each column of (N, D).
Variable column_variance(const Variable& x);
/// Each column of x (N, D) minus its mean.
Variable center_columns(const Variable& x);
/// Each column of x (N, D) minus its mean, divided by its standard deviation (unbiased) + 1e-6.
Variable standardize(const Variable& x);
/// The square matrix x with `value` in place of its diagonal.
Variable fill_diagonal(const Variable& x, double value);

/// x converted to `type`; x itself if it already has that type. The gradient is converted back.
Variable cast(const Variable& x, DType type);
/// The same with the conversion already done, as for the copy of a weight that several uses share.
Variable cast(const Variable& x, const Tensor& converted);

// Over the ranks of Group::current() (tensor/group.h), which must all call them, and backward(), together. The
// gradients are those of the sum of all ranks' losses. In a group of one they return x itself.
/// The sum of the ranks' x.
Variable all_sum(const Variable& x);
/// (size * N, ...): the rows (N, ...) of all ranks, in the order of the ranks.
Variable all_gather_rows(const Variable& x);

// To scalars
Variable sum(const Variable& x);
Variable mean(const Variable& x);
/// Mean over the rows that have a target of -log softmax(logits)[target]: logits (N, K), targets i64 (N), of which some
/// may be ops::no_target, -1.
Variable cross_entropy(const Variable& logits, const Tensor& targets);

struct InfoNce {
  Variable loss;       ///< (1)
  Tensor positive;     ///< (N, 1): q[n] . k[n]
  Tensor log_sum_exp;  ///< (N): of each row of logits
};
/// InfoNCE as in MoCo (He et al. 2020, eq. 1): the mean over n of
///   -log( exp(q[n] . k[n] / T) / (exp(q[n] . k[n] / T) + sum over j of exp(q[n] . negatives[j] / T)) ).
/// Queries q and their positive keys k (N, D), negative keys (K, D), K > 0. The logits, (N, 1 + K), are never in
/// memory; backward keeps a tensor of q's size.
InfoNce info_nce(const Variable& q, const Variable& k, const Tensor& negatives, double temperature);

struct SelfDistillation {
  Variable loss;  ///< (1)
  Tensor pairs;   ///< (G, C): the cross entropy of each pair of crops, 0 for a crop with itself
};
/// DINO's loss (Caron et al. 2021, eq. 3; ops::SelfDistillation): the mean cross entropy between the targets of G crops
/// of N images and a student's logits of C crops, the first G of which are the targets' own, over all pairs of two
/// different crops. Student (C N, K), target (G N, K), crop after crop; the rows of the target sum to 1. Keeps these
/// two matrices and no third one.
SelfDistillation self_distillation(const Variable& student, const Tensor& target, int64_t crops, double temperature);

struct DiagonalDistance {
  Variable loss;   ///< (1): on_weight * on + off_weight * off
  Tensor on, off;  ///< (1): sum over i of (c[i,i] - target)^2, and over i != j of c[i,j]^2
};
/// How far the square matrix c is from a multiple of the identity. Allocates no second matrix of c's size; its gradient
/// allocates one.
DiagonalDistance diagonal_distance(const Variable& c, double target, double on_weight, double off_weight);

/// The value alone: nothing flows back through it.
inline Variable detach(const Variable& x) { return x.value(); }

}  // namespace minissl
