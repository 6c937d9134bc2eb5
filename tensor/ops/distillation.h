#pragma once
#include "tensor/number.h"
#include "tensor/operation.h"

/// DINO's loss (Caron et al. 2021, section 3.1): a teacher's centred, sharpened output is the target of a student's.
/// Matrices of logits have 65,536 columns, so none is copied for each pair of crops.
namespace minissl::ops {

/// y = softmax((x - center) / temperature) of each row: x, y (N, K), center (K) elements.
/// entropy (N): each row's -sum over k of y ln y, in nats: ln K for a uniform row, 0 for a row with a single 1.
struct CenteredSoftmax {
  static constexpr const char* name = "centered_softmax";
  Tensor x, center, y, entropy;
  Number temperature = 1;
  const Tensor& dispatch() const { return x; }
};
void kernel(Reference, const CenteredSoftmax&);
void kernel(Cpu, const CenteredSoftmax&);
void kernel(Cuda, const CenteredSoftmax&);

/// The cross entropy between the targets of some crops of N images and a student's logits of more crops of them, the
/// first of which are the targets' own: student (C N, K) and target (G N, K), crop after crop, G <= C.
///   rows[g,c,n] = -sum over k of target[g N + n, k] log softmax(student[c N + n] / temperature)[k], 0 where g = c;
///   pairs (G, C): their means over n; loss (1): the sum of all pairs divided by their number, G (C - 1).
/// log_sum_exp (C N), of student / temperature, is kept for the gradient.
struct SelfDistillation {
  static constexpr const char* name = "self_distillation";
  Tensor student, target, rows, pairs, loss, log_sum_exp;
  double temperature = 1;
  const Tensor& dispatch() const { return student; }
};
void kernel(Reference, const SelfDistillation&);
void kernel(Cpu, const SelfDistillation&);
void kernel(Cuda, const SelfDistillation&);

/// For targets whose rows sum to 1: with q[c,n] the sum of target[g N + n] over the g != c, and G[c] their number,
///   dstudent[c N + n] = dloss / (G (C - 1) N temperature) (G[c] softmax(student[c N + n] / temperature) - q[c,n]).
struct SelfDistillationGradient {
  static constexpr const char* name = "self_distillation_gradient";
  Tensor dloss, student, target, log_sum_exp, dstudent;
  int64_t crops = 2;  ///< C
  double temperature = 1;
  const Tensor& dispatch() const { return student; }
};
void kernel(Reference, const SelfDistillationGradient&);
void kernel(Cpu, const SelfDistillationGradient&);
void kernel(Cuda, const SelfDistillationGradient&);

struct SoftTargets {
  Tensor probabilities;  ///< (N, K)
  Tensor entropy;        ///< (N)
};
/// Throws Error unless x is (N, K) and center has K elements.
SoftTargets centered_softmax(const Tensor& x, const Tensor& center, const Number& temperature);

}  // namespace minissl::ops
