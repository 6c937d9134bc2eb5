#pragma once
#include "tensor/host_device.h"
#include "tensor/operation.h"

namespace minissl::ops {

/// Self-attention of several heads (Vaswani et al. 2017, eq. 1), for each image n and head h:
///   y[n,i,h] = sum over j of p[i,j] v[n,j,h],  p[i] = softmax over j of scale q[n,i,h] . k[n,j,h] + bias[h,i,j]
/// The bias (H, L, L), of relative positions, is the same for all images and may be undefined. qkv (N, L, 3, H, d) has
/// q, k and v of each token side by side, as one projection of the tokens (N, L, H d) gives them, and y (N, L, H d) is
/// what the next projection takes, so nothing is transposed. log_sum_exp (N, H, L), of each row of logits, is undefined
/// where no gradient is wanted.
///
/// Fast kernels hold one block of a head's logits at a time, and take its softmax relative to the largest logit so far
/// (Milakov and Gimelshein 2018; Dao et al. 2022, "FlashAttention", algorithm 1).
struct Attention {
  static constexpr const char* name = "attention";
  Tensor qkv, bias, y, log_sum_exp;
  double scale;
  const Tensor& dispatch() const { return qkv; }
  double flops() const { return 4.0 / 3 * static_cast<double>(qkv.numel()) * static_cast<double>(qkv.dim(1)); }
};
void kernel(Reference, const Attention&);
void kernel(Cpu, const Attention&);
void kernel(Cuda, const Attention&);
int64_t workspace_bytes(Cpu, const Attention&);

/// dqkv, of qkv's shape, and dbias, unless it is undefined, of bias's. With p[i,j] = exp(scale q[i] . k[j] + bias[i,j]
/// - log_sum_exp[i]), computed again block by block (Dao et al. 2022, algorithm 4), and s[i,j] = p[i,j] (dy[i] . v[j] -
/// along[i]):
///   dq[i] = scale sum over j of s[i,j] k[j],  dk[j] = scale sum over i of s[i,j] q[i],
///   dv[j] = sum over i of p[i,j] dy[i],  dbias[i,j] = sum over the images of s[i,j]
/// along[i] = sum over j of p[i,j] dy[i] . v[j] is equal to dy[i] . y[i], which costs less but would take s from the
/// rounding of y: where a query looks at one key alone, s is a small difference of large numbers.
struct AttentionGradient {
  static constexpr const char* name = "attention_gradient";
  Tensor dy, qkv, bias, log_sum_exp, dqkv, dbias;
  double scale;
  const Tensor& dispatch() const { return dy; }
  double flops() const { return 10.0 / 3 * static_cast<double>(qkv.numel()) * static_cast<double>(qkv.dim(1)); }
};
void kernel(Reference, const AttentionGradient&);
void kernel(Cpu, const AttentionGradient&);
void kernel(Cuda, const AttentionGradient&);
int64_t workspace_bytes(Cpu, const AttentionGradient&);
int64_t workspace_bytes(Cuda, const AttentionGradient&);

/// The largest d of the CUDA kernels.
inline constexpr int64_t most_head_elements = 128;

/// Where the rows of one head are. Row i of q is at q(head) + i * qkv_stride(), row i of y at y(head) + i * y_stride().
struct HeadLayout {
  explicit HeadLayout(const Tensor& qkv)
      : tokens(qkv.dim(1)), heads(qkv.dim(3)), width(qkv.dim(4)), count(qkv.dim(0) * heads) {}

  MINISSL_HD int64_t qkv_stride() const { return 3 * heads * width; }
  MINISSL_HD int64_t y_stride() const { return heads * width; }
  MINISSL_HD int64_t q(int64_t head) const { return head / heads * tokens * qkv_stride() + head % heads * width; }
  MINISSL_HD int64_t k(int64_t head) const { return q(head) + heads * width; }
  MINISSL_HD int64_t v(int64_t head) const { return k(head) + heads * width; }
  MINISSL_HD int64_t y(int64_t head) const { return head / heads * tokens * y_stride() + head % heads * width; }
  MINISSL_HD int64_t log_sum_exp(int64_t head) const { return head * tokens; }
  /// Row i of the bias and of its gradient begins at bias(head) + i * tokens.
  MINISSL_HD int64_t bias(int64_t head) const { return head % heads * tokens * tokens; }

  int64_t tokens, heads, width;
  int64_t count;  ///< heads of all images: head h of image n is number n * heads + h
};

}  // namespace minissl::ops
