#include <cmath>
#include <limits>

#include "tensor/eigen.h"
#include "tensor/matrix_product.h"
#include "tensor/ops/info_nce.h"
#include "tensor/parallel.h"
#include "tensor/workspace.h"

// A block of logits, queries times keys, stays in the cache: it is computed, replaced by the softmax's numerators and
// multiplied by the keys again. Running sums are relative to the largest logit so far (Milakov and Gimelshein 2018;
// with the weighted sum of the keys it is Dao et al.'s attention, 2022, where the keys are also the values).
//
// Tasks depend on the shape only, so the bits are the same on any number of threads.
namespace minissl::ops {
namespace {

constexpr int64_t rows_per_task = 256;
constexpr int64_t keys_per_task = 4096;
constexpr int64_t keys_per_block = 256;

int64_t divide_up(int64_t n, int64_t by) { return (n + by - 1) / by; }

class BlockedInfoNce {
 public:
  explicit BlockedInfoNce(const InfoNce& op)
      : rows_(op.q.dim(0)),
        dim_(op.q.dim(1)),
        keys_(op.negatives.dim(0)),
        row_parts_(divide_up(rows_, rows_per_task)),
        key_parts_(divide_up(keys_, keys_per_task)),
        weighs_keys_(op.excess.defined()) {}

  int64_t floats() const {
    const int64_t partial_sums = key_parts_ * rows_ * (2 + (weighs_keys_ ? dim_ : 0));
    return count_slots(row_parts_ * key_parts_, 1) * of_slot() + partial_sums + rows_;
  }

  void run(const InfoNce& op) const {
    Workspace workspace(floats());
    float* slots = workspace.take(count_slots(row_parts_ * key_parts_, 1) * of_slot());
    float* largest = workspace.take(key_parts_ * rows_);
    float* sums = workspace.take(key_parts_ * rows_);
    float* weighted = workspace.take(weighs_keys_ ? key_parts_ * rows_ * dim_ : 0);
    float* losses = workspace.take(rows_);
    for_parts(row_parts_ * key_parts_, 1, [&](int64_t slot, int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t row = task % row_parts_ * rows_per_task, part = task / row_parts_, at = part * rows_ + row;
        add_keys(op, row, part * keys_per_task, slots + slot * of_slot(),
                 {largest + at, sums + at, weighs_keys_ ? weighted + at * dim_ : nullptr});
      }
    });
    parallel_for(rows_, 16, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) losses[n] = finish_row(op, n, {largest, sums, weighted});
    });
    double loss = 0;
    for (int64_t n = 0; n < rows_; ++n) loss += static_cast<double>(losses[n]);
    op.loss.mutable_data<float>()[0] = static_cast<float>(loss / static_cast<double>(rows_));
  }

 private:
  using Array = Eigen::Map<Eigen::ArrayXf>;
  // For each row, over some of the keys: the largest dot product d, the sum of exp((d - largest) / T), and the sum of
  // the keys with these weights.
  struct Sums {
    float *largest, *sums, *weighted;
  };

  // Rows times keys of a block, and the reverse.
  MatrixProduct logits_product(int64_t rows, int64_t keys) const {
    return MatrixProduct::alone({.m = rows, .n = keys, .k = dim_, .transpose_b = true});
  }
  MatrixProduct weighted_product(int64_t rows, int64_t keys) const {
    return MatrixProduct::alone({.m = rows, .n = dim_, .k = keys});
  }

  // A slot's memory: logits, and what their products need.
  int64_t logits_of_slot() const { return std::min(rows_, rows_per_task) * std::min(keys_, keys_per_block); }
  int64_t of_slot() const {
    int64_t most = 0;  // over full blocks and the smaller last ones
    for (const int64_t rows : {std::min(rows_, rows_per_task), rows_ % rows_per_task})
      for (const int64_t keys : {std::min(keys_, keys_per_block), keys_ % keys_per_block})
        most = std::max({most, logits_product(rows, keys).floats(), weighted_product(rows, keys).floats()});
    return logits_of_slot() + most;
  }

  void add_keys(const InfoNce& op, int64_t row, int64_t first_key, float* slot, Sums to) const {
    float *logits = slot, *memory = slot + logits_of_slot();
    const int64_t rows = std::min(rows_ - row, rows_per_task), end = std::min(keys_, first_key + keys_per_task);
    const float factor = static_cast<float>(1 / op.temperature);
    const float* q = op.q.data<float>() + row * dim_;
    std::fill_n(to.largest, rows, -std::numeric_limits<float>::infinity());
    std::fill_n(to.sums, rows, 0.0f);
    for (int64_t key = first_key; key < end; key += keys_per_block) {
      const int64_t count = std::min(end - key, keys_per_block);
      const float* keys = op.negatives.data<float>() + key * dim_;
      logits_product(rows, count).run({q, dim_}, {keys, dim_}, logits, count, {}, memory);
      for (int64_t n = 0; n < rows; ++n) {
        Array row_logits(logits + n * count, count);
        const float largest = std::max(to.largest[n], row_logits.maxCoeff());
        const float shrink = std::exp((to.largest[n] - largest) * factor);
        row_logits = ((row_logits - largest) * factor).exp();
        to.sums[n] = to.sums[n] * shrink + row_logits.sum();
        if (weighs_keys_ && key > first_key && shrink != 1) Array(to.weighted + n * dim_, dim_) *= shrink;
        to.largest[n] = largest;
      }
      if (weighs_keys_)
        weighted_product(rows, count)
            .run({logits, count}, {keys, dim_}, to.weighted, dim_, {key > first_key ? to.weighted : nullptr, dim_},
                 memory);
    }
  }

  // Adds up the parts of row n. Returns its loss.
  float finish_row(const InfoNce& op, int64_t n, Sums from) const {
    const double factor = 1 / op.temperature;
    const Eigen::Map<const Eigen::ArrayXf> q(op.q.data<float>() + n * dim_, dim_),
        k(op.k.data<float>() + n * dim_, dim_);
    const float positive = (q * k).sum();
    float largest = positive;
    for (int64_t part = 0; part < key_parts_; ++part) largest = std::max(largest, from.largest[part * rows_ + n]);
    const auto relative = [&](float dot) { return std::exp(static_cast<double>(dot - largest) * factor); };
    double negatives = 0;
    for (int64_t at = n; at < key_parts_ * rows_; at += rows_)
      negatives += relative(from.largest[at]) * static_cast<double>(from.sums[at]);
    const double all = relative(positive) + negatives, share = negatives / all;
    op.positive.mutable_data<float>()[n] = positive;
    op.log_sum_exp.mutable_data<float>()[n] = static_cast<float>(static_cast<double>(largest) * factor + std::log(all));
    op.negative_share.mutable_data<float>()[n] = static_cast<float>(share);
    if (weighs_keys_) {
      Array excess(op.excess.mutable_data<float>() + n * dim_, dim_);
      excess = static_cast<float>(-share) * k;
      for (int64_t at = n; at < key_parts_ * rows_; at += rows_)
        excess += static_cast<float>(relative(from.largest[at]) / all) * Array(from.weighted + at * dim_, dim_);
    }
    return static_cast<float>(static_cast<double>(largest - positive) * factor + std::log(all));
  }

  int64_t rows_, dim_, keys_, row_parts_, key_parts_;
  bool weighs_keys_;
};

}  // namespace

void kernel(Cpu, const InfoNce& op) { BlockedInfoNce(op).run(op); }

int64_t workspace_bytes(Cpu, const InfoNce& op) {
  return BlockedInfoNce(op).floats() * static_cast<int64_t>(sizeof(float));
}

}  // namespace minissl::ops
