#include <cmath>
#include <limits>

#include "tensor/ops/attention.h"
#include "tensor/ops/attention_blocks.h"
#include "tensor/ops/exp_functions.h"
#include "tensor/parallel.h"
#include "tensor/workspace.h"

// A thread computes whole heads: their keys and values, rearranged for the products, stay in its second-level cache
// while blocks of queries go by.
namespace minissl::ops {
namespace {

class HeadForward {
 public:
  static int64_t floats(const HeadLayout& at) {
    return HeadPanels::floats(at.width, at.tokens) + HeadPanels::floats(at.tokens, at.width) +
           query_block * (block_stride + round_up(at.width, simd::kernels().width) + 2);
  }

  HeadForward(const HeadLayout& at, float* memory)
      : at_(at),
        stride_(round_up(at.width, simd::kernels().width)),
        keys_(memory, at.width, at.tokens),
        values_(memory += HeadPanels::floats(at.width, at.tokens), at.tokens, at.width),
        logits_(memory += HeadPanels::floats(at.tokens, at.width)),
        weighted_(memory += query_block * block_stride),
        largest_(memory += query_block * stride_),
        sums_(memory + query_block) {}

  void run(const Attention& op, int64_t head) {
    const float* qkv = op.qkv.data<float>();
    keys_.fill(qkv + at_.k(head), 1, at_.qkv_stride(), static_cast<float>(op.scale));
    values_.fill(qkv + at_.v(head), at_.qkv_stride(), 1, 1);
    for (int64_t i = 0; i < at_.tokens; i += query_block) {
      const int64_t rows = std::min(query_block, at_.tokens - i);
      for (int64_t key = 0; key < at_.tokens; key += key_block) {
        const int64_t count = std::min(key_block, at_.tokens - key);
        if (op.bias.defined()) copy_bias(op.bias.data<float>() + at_.bias(head) + i * at_.tokens + key, rows, count);
        add_keys(qkv + at_.q(head) + i * at_.qkv_stride(), rows, key, count, op.bias.defined());
      }
      write(op, head, i, rows);
    }
  }

 private:
  // The block's products with the keys are then added to it.
  void copy_bias(const float* bias, int64_t rows, int64_t count) {
    for (int64_t r = 0; r < rows; ++r) std::copy_n(bias + r * at_.tokens, count, logits_ + r * block_stride);
  }

  void add_keys(const float* q, int64_t rows, int64_t key, int64_t count, bool to_bias) {
    const bool first = key == 0;
    keys_.multiply(false, rows, q, at_.qkv_stride(), 0, at_.width, key, key + count, logits_, block_stride, to_bias);
    for (int64_t r = 0; r < rows; ++r) {
      float* row = logits_ + r * block_stride;
      const float before = first ? -std::numeric_limits<float>::infinity() : largest_[r];
      float largest = before, sum = 0;
#pragma omp simd reduction(max : largest)
      for (int64_t j = 0; j < count; ++j) largest = row[j] > largest ? row[j] : largest;
#pragma omp simd reduction(+ : sum)
      for (int64_t j = 0; j < count; ++j) {
        row[j] = fast_exp(row[j] - largest);
        sum += row[j];
      }
      largest_[r] = largest;
      if (first) {
        sums_[r] = sum;
        continue;
      }
      const float shrink = fast_exp(before - largest);
      sums_[r] = sums_[r] * shrink + sum;
      for (int64_t c = 0; shrink != 1 && c < stride_; ++c) weighted_[r * stride_ + c] *= shrink;
    }
    values_.multiply(false, rows, logits_, block_stride, key, key + count, 0, at_.width, weighted_, stride_, !first);
  }

  void write(const Attention& op, int64_t head, int64_t i, int64_t rows) const {
    float* y = op.y.mutable_data<float>() + at_.y(head) + i * at_.y_stride();
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < at_.width; ++c) y[r * at_.y_stride() + c] = weighted_[r * stride_ + c] / sums_[r];
    if (!op.log_sum_exp.defined()) return;
    float* log_sum_exp = op.log_sum_exp.mutable_data<float>() + at_.log_sum_exp(head) + i;
    for (int64_t r = 0; r < rows; ++r) log_sum_exp[r] = largest_[r] + std::log(sums_[r]);
  }

  HeadLayout at_;
  int64_t stride_;            // of weighted_
  HeadPanels keys_, values_;  // k^T times the scale, (d, L), and v, (L, d)
  float* logits_;             // a block, then exp(logit - largest)
  float* weighted_;           // sums of v with these weights
  float *largest_, *sums_;    // of a row's logits so far, and of their weights
};

}  // namespace

void kernel(Cpu, const Attention& op) {
  const HeadLayout at(op.qkv);
  Workspace workspace(count_slots(at.count, 1) * HeadForward::floats(at));
  float* memory = workspace.take(0);
  for_parts(at.count, 1, [&](int64_t slot, int64_t begin, int64_t end) {
    HeadForward forward(at, memory + slot * HeadForward::floats(at));
    for (int64_t head = begin; head < end; ++head) forward.run(op, head);
  });
}

int64_t workspace_bytes(Cpu, const Attention& op) {
  const HeadLayout at(op.qkv);
  return count_slots(at.count, 1) * HeadForward::floats(at) * static_cast<int64_t>(sizeof(float));
}

}  // namespace minissl::ops
