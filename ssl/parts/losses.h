#pragma once
#include "autograd/functions.h"

/// The methods' losses, as functions of projections (N, D). Where several processes share a batch (tensor/group.h), N
/// and all sums over the batch are those of the whole batch.
namespace minissl {

/// NT-Xent (Chen et al. 2020, eq. 1) of unit vectors z1, z2: with z = [z1; z2] and s = z z^T / T, the mean over all 2N
/// of
///   -log( exp(s[i,j]) / sum over k != i of exp(s[i,k]) ),  j being i's other view.
Variable nt_xent(const Variable& z1, const Variable& z2, double temperature);

/// MoCo v3's contrast (Chen et al. 2021, eq. 1 and its algorithm 1): with q and k as unit vectors and s = q k^T / T, 2
/// T times the mean over n of
///   -log( exp(s[n,n]) / sum over m of exp(s[n,m]) ).
/// Nothing flows back into the keys.
Variable in_batch_contrast(const Variable& q, const Tensor& k, double temperature);

/// BarlowTwins (Zbontar et al. 2021, eq. 1): with each dimension standardised over the batch and c = z1^T z2 / N,
///   sum over i of (1 - c[i,i])^2 + lambda * sum over i != j of c[i,j]^2.
struct RedundancyReduction {
  Variable c;                ///< (D, D)
  Tensor on_diag, off_diag;  ///< (1): the two sums
  Variable loss;             ///< (1)
};
RedundancyReduction redundancy_reduction(const Variable& z1, const Variable& z2, double lambda);

/// VICReg's variance term (Bardes et al. 2022, eq. 1), on raw projections: the mean over the dimensions of
///   max(0, gamma - sqrt(var(z[:, d]) + eps)),  var unbiased.
Variable variance_loss(const Variable& z, double gamma = 1, double eps = 1e-4);

/// VICReg's covariance term (eq. 4): sum over i != j of cov(z)[i,j]^2 / D, cov divided by N - 1.
Variable covariance_loss(const Variable& z);

/// Minus the mean cosine of p[i] and z[i] (Chen and He 2021, eq. 1).
Variable negative_cosine(const Variable& p, const Variable& z);

}  // namespace minissl
