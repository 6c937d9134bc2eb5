#include "ssl/parts/losses.h"

#include <limits>

#include "tensor/group.h"
#include "tensor/ops/rows.h"

namespace minissl {

// The losses that compare the rows of a batch with each other gather those of all processes first. Each process then
// has the same loss, and the step divides the sum of their gradients by their number.

Variable nt_xent(const Variable& z1, const Variable& z2, double temperature) {
  const Variable z = concat_rows(all_gather_rows(z1), all_gather_rows(z2));
  const Tensor other_view = ops::swapped_halves(z.shape()[0], z.value().device());
  const Variable similarity = matmul(z / temperature, z, {.a = false, .b = true});  // (2N, 2N)
  return cross_entropy(fill_diagonal(similarity, -std::numeric_limits<double>::infinity()), other_view);
}

Variable in_batch_contrast(const Variable& q, const Tensor& k, double temperature) {
  const Variable queries = all_gather_rows(normalize(q));
  const Tensor keys = Group::current().all_gather_rows(ops::normalize(k));
  const Tensor own = ops::grid_positions(keys.dim(0), keys.dim(0), 0, 0, 1, keys.device());
  return 2 * temperature * cross_entropy(matmul(queries / temperature, keys, {.a = false, .b = true}), own);
}

RedundancyReduction redundancy_reduction(const Variable& z1, const Variable& z2, double lambda) {
  const Variable all1 = all_gather_rows(z1), all2 = all_gather_rows(z2);
  const auto n = static_cast<double>(all1.shape()[0]);
  RedundancyReduction result;
  // Divide by N on (N, D), because c may be far larger.
  result.c = matmul(standardize(all1) / n, standardize(all2), {.a = true, .b = false});
  const DiagonalDistance distance = diagonal_distance(result.c, 1, 1, lambda);
  result.on_diag = distance.on;
  result.off_diag = distance.off;
  result.loss = distance.loss;
  return result;
}

Variable variance_loss(const Variable& z, double gamma, double eps) {
  return mean(relu(gamma - sqrt(column_variance(all_gather_rows(z)) + eps)));
}

Variable covariance_loss(const Variable& z) {
  const Variable all = all_gather_rows(z);
  const auto n = static_cast<double>(all.shape()[0]), d = static_cast<double>(all.shape()[1]);
  const Variable centred = center_columns(all);
  const Variable covariance = matmul(centred / (n - 1), centred, {.a = true, .b = false});  // (D, D)
  return diagonal_distance(covariance, 0, 0, 1 / d).loss;
}

Variable negative_cosine(const Variable& p, const Variable& z) {
  return -1.0 * mean(rowwise_dot(normalize(p), normalize(z)));
}

}  // namespace minissl
