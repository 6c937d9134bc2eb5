#pragma once
#include "tensor/ops/distillation.h"

namespace minissl::ops {

/// SwAV's assignments (Caron et al. 2020, section 3.1): how much of each sample belongs to each of K prototypes, if all
/// B samples together belong to all prototypes alike. Sinkhorn and Knopp's algorithm divides the columns of
/// exp(x / epsilon), x (B, K), and then its rows by their sums, `rounds` times. (The paper's factors 1 / K and 1 / B
/// cancel.) As logarithms, which neither overflow nor vanish, with samples = 0 at first:
///   prototypes[k] = ln(sum over n of exp(x[n,k] / epsilon - samples[n])),
///   samples[n] = ln(sum over k of exp(x[n,k] / epsilon - prototypes[k])).
/// y (N, K) has the assignments of N of the samples, those from `first` on; its rows sum to 1:
///   y[i,k] = exp(x[n,k] / epsilon - prototypes[k] - samples[n]), n = first + i.
/// entropy (N): each of these rows' -sum over k of y ln y, in nats. prototypes (K) and samples (B) are results as well.
struct Sinkhorn {
  static constexpr const char* name = "sinkhorn";
  Tensor x, prototypes, samples, y, entropy;
  int64_t first = 0, rounds = 3;
  double epsilon = 0.05;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const Sinkhorn&);
void kernel(Cuda, const Sinkhorn&);

/// Writes the assignments of the samples from `first` on, as many as there are rows in `to`, given all scores (B, K).
/// Throws Error unless shapes and types fit, there is at least one round and epsilon is above 0.
void sinkhorn(const Tensor& scores, int64_t first, const SoftTargets& to, double epsilon, int64_t rounds);

}  // namespace minissl::ops
