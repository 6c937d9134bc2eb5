#pragma once
#include "tensor/operation.h"

namespace minissl::ops {

/// InfoNCE (van den Oord et al. 2018; He et al. 2020, eq. 1) of queries with one positive key each, and negatives that
/// they share: a softmax cross-entropy whose logits [positive | q negatives^T] / T, (N, 1 + K), are never all in
/// memory.
///   loss (1) = mean over n of log_sum_exp[n] - positive[n] / T,  positive (N, 1): q[n] . k[n]
///   log_sum_exp (N): of a row of logits
/// q, k, (N, D), negatives (K, D), K > 0. With p[n,j] the softmax's share of the negatives,
///   negative_share (N) = sum over j of p[n,j]
///   excess (N, D)      = sum over j of p[n,j] (negatives[j] - k[n])
/// The gradient is a multiple of both. `excess` is undefined where no gradient is wanted, which halves the work.
struct InfoNce {
  static constexpr const char* name = "info_nce";
  Tensor q, k, negatives, loss, positive, log_sum_exp, negative_share, excess;
  double temperature = 1;
  const Tensor& dispatch() const { return q; }
  double flops() const {
    return (excess.defined() ? 4 : 2) * static_cast<double>(q.numel()) * static_cast<double>(negatives.dim(0));
  }
};
void kernel(Reference, const InfoNce&);
void kernel(Cpu, const InfoNce&);
void kernel(Cuda, const InfoNce&);
int64_t workspace_bytes(Cpu, const InfoNce&);
int64_t workspace_bytes(Cuda, const InfoNce&);

/// dq = dloss / (N T) excess, dk[n] = -dloss / (N T) negative_share[n] q[n]; dloss (1). dq or dk is undefined where it
/// is not wanted; q is read for dk only.
struct InfoNceGradient {
  static constexpr const char* name = "info_nce_gradient";
  Tensor dloss, q, negative_share, excess, dq, dk;
  double temperature = 1;
  const Tensor& dispatch() const { return excess; }
};
void kernel(Reference, const InfoNceGradient&);
void kernel(Cuda, const InfoNceGradient&);

}  // namespace minissl::ops
