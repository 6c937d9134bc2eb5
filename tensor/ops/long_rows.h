#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

/// Sums over long rows, such as logits of 65,537 keys: pieces are summed in the row's own type, in vectors, and their
/// sums added up in float64. A single float32 sum would lose three digits. Internal.
namespace minissl::ops {

inline constexpr int64_t piece_of_row = 1024;

/// f(first, count) returns the sum of a piece.
template <class F>
double sum_of_pieces(int64_t count, F&& f) {
  double sum = 0;
  for (int64_t k = 0; k < count; k += piece_of_row) sum += static_cast<double>(f(k, std::min(piece_of_row, count - k)));
  return sum;
}

/// log(sum(exp(factor row))), `row` being one of Eigen's arrays of float.
template <class Row>
float log_sum_exp_of(const Row& row, float factor = 1) {
  const float largest = row.maxCoeff() * factor;
  return largest + static_cast<float>(std::log(sum_of_pieces(row.size(), [&](int64_t k, int64_t count) {
           return (row.segment(k, count) * factor - largest).exp().sum();
         })));
}

}  // namespace minissl::ops
