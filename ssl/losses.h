#pragma once
#include "autograd/variable.h"

namespace minissl {

/// InfoNCE as in MoCo (He et al. 2020, eq. 1): the mean over i of
///   -log( exp(l_pos[i] / T) / (exp(l_pos[i] / T) + sum over j of exp(l_neg[i,j] / T)) ).
struct InfoNce {
  Variable logits;  ///< (N, 1 + K): [l_pos | l_neg] / T
  Variable loss;    ///< (1)
};
/// l_pos (N, 1), l_neg (N, K).
InfoNce info_nce(const Variable& l_pos, const Variable& l_neg, double temperature);

/// VICReg's variance term (Bardes et al. 2022, eq. 1), on raw projections z (N, D): the mean over the dimensions of
///   max(0, gamma - sqrt(var(z[:, d]) + eps)),  var unbiased.
Variable variance_loss(const Variable& z, double gamma = 1, double eps = 1e-4);

}  // namespace minissl
