#include "tensor/ops/sinkhorn.h"

#include <algorithm>
#include <cmath>

#include "tensor/eigen.h"
#include "tensor/ops/long_rows.h"
#include "tensor/parallel.h"

namespace minissl::ops {

namespace {

template <class T>
using Row = Eigen::Array<T, 1, Eigen::Dynamic>;

// Columns that a thread takes at a time; rows that are summed in T before that sum is added to one in float64.
constexpr int64_t columns_at_once = 256, rows_at_once = 256;

// Eigen would convert numbers one by one, and compute the exponentials before that one by one as well.
template <class T>
double sum_of(const Row<T>& row) {
  return sum_of_pieces(row.size(), [&](int64_t k, int64_t count) { return row.segment(k, count).sum(); });
}

// Of numbers given row by row: the logarithm of the sum of the exponentials of each column.
template <class T, class F>
Row<T> log_sum_exp(int64_t rows, F&& row) {
  Row<T> largest = row(0);
  for (int64_t n = 1; n < rows; ++n) largest = largest.max(row(n));
  Row<double> sum = Row<double>::Zero(largest.size());
  for (int64_t begin = 0; begin < rows; begin += rows_at_once) {
    Row<T> part = Row<T>::Zero(largest.size());
    for (int64_t n = begin; n < std::min(begin + rows_at_once, rows); ++n) part += (row(n) - largest).exp();
    sum += part.template cast<double>();
  }
  return largest + sum.log().template cast<T>();
}

}  // namespace

void kernel(Reference, const Sinkhorn& op) {
  visit_arithmetic(op.x.dtype(), [&](auto t) {
    using T = decltype(t);
    const auto scores = rows_of<T>(op.x);
    const auto factor = static_cast<T>(1 / op.epsilon);
    Eigen::Map<Row<T>> prototypes(op.prototypes.mutable_data<T>(), op.prototypes.numel()),
        samples(op.samples.mutable_data<T>(), op.samples.numel());
    samples.setZero();
    for (int64_t round = 0; round < op.rounds; ++round) {
      for_blocks(scores.cols(), columns_at_once, [&](int64_t, int64_t begin, int64_t end) {
        prototypes.segment(begin, end - begin) = log_sum_exp<T>(scores.rows(), [&](int64_t n) {
          return scores.row(n).segment(begin, end - begin).array() * factor - samples[n];
        });
      });
      parallel_for(scores.rows(), 1, [&](int64_t begin, int64_t end) {
        for (int64_t n = begin; n < end; ++n) {
          Row<T> row = scores.row(n).array() * factor - prototypes;
          const T largest = row.maxCoeff();
          row = (row - largest).exp();
          samples[n] = largest + static_cast<T>(std::log(sum_of<T>(row)));
        }
      });
    }
    auto y = mutable_rows_of<T>(op.y);
    T* entropy = op.entropy.mutable_data<T>();
    parallel_for(y.rows(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t n = op.first + i;
        const Row<T> logarithms = scores.row(n).array() * factor - prototypes - samples[n];
        y.row(i) = logarithms.exp();
        entropy[i] = static_cast<T>(-sum_of<T>(y.row(i).array() * logarithms));
      }
    });
  });
}

void sinkhorn(const Tensor& scores, int64_t first, const SoftTargets& to, double epsilon, int64_t rounds) {
  const Tensor& y = to.probabilities;
  require(scores.rank() == 2 && y.rank() == 2 && y.dim(1) == scores.dim(1) && y.dtype() == scores.dtype() &&
              to.entropy.shape() == Shape{y.dim(0)} && to.entropy.dtype() == y.dtype(),
          "sinkhorn: scores {} (B, K), assignments {} (N, K) and entropies {} (N) don't fit", scores, y, to.entropy);
  require(first >= 0 && first + y.dim(0) <= scores.dim(0),
          "sinkhorn: {} samples from number {} on are not among those of {}", y.dim(0), first, scores);
  require(rounds > 0 && epsilon > 0, "sinkhorn needs a round and an epsilon above 0, not {} and {}", rounds, epsilon);
  const auto logarithms = [&](int dim) { return Tensor::empty({scores.dim(dim)}, scores.dtype(), scores.device()); };
  run(Sinkhorn{scores, logarithms(1), logarithms(0), y, to.entropy, first, rounds, epsilon});
}

}  // namespace minissl::ops
