#include "tensor/ops/attention.h"
#include "tensor/ops/attention_blocks.h"
#include "tensor/ops/exp_functions.h"
#include "tensor/parallel.h"
#include "tensor/workspace.h"

// As attention_cpu.cpp: a thread computes whole heads, so the sums over queries, for k and v, are its own and are added
// up in their order; with a bias, a head of all images, whose gradients it adds up. A block has some queries and all
// keys, because `along` is a sum over all of them.
namespace minissl::ops {
namespace {

class HeadGradient {
 public:
  static int64_t floats(const HeadLayout& at) {
    const int64_t stride = round_up(at.width, simd::kernels().width);
    return 2 * HeadPanels::floats(at.width, at.tokens) + HeadPanels::floats(at.tokens, at.width) +
           2 * HeadPanels::floats(query_block, at.width) + 2 * query_block * row_stride(at) + query_block * stride +
           2 * at.tokens * stride;
  }

  // Not a power of two, which would have all rows compete for the same lines of the cache.
  static int64_t row_stride(const HeadLayout& at) { return round_up(at.tokens, simd::kernels().panel()) + 16; }

  HeadGradient(const AttentionGradient& op, const HeadLayout& at, float* memory)
      : op_(op),
        at_(at),
        stride_(round_up(at.width, simd::kernels().width)),
        row_stride_(row_stride(at)),
        keys_(memory, at.width, at.tokens),
        values_(memory += HeadPanels::floats(at.width, at.tokens), at.width, at.tokens),
        key_rows_(memory += HeadPanels::floats(at.width, at.tokens), at.tokens, at.width),
        q_memory_(memory += HeadPanels::floats(at.tokens, at.width)),
        dy_memory_(memory += HeadPanels::floats(query_block, at.width)),
        p_(memory += HeadPanels::floats(query_block, at.width)),
        s_(memory += query_block * row_stride_),
        dq_(memory += query_block * row_stride_),
        dk_(memory += query_block * stride_),
        dv_(memory + at.tokens * stride_) {}

  void run(int64_t head) {
    const float *qkv = op_.qkv.data<float>(), *k = qkv + at_.k(head), *v = qkv + at_.v(head);
    const float scale = static_cast<float>(op_.scale);
    keys_.fill(k, 1, at_.qkv_stride(), scale);
    values_.fill(v, 1, at_.qkv_stride(), 1);
    key_rows_.fill(k, at_.qkv_stride(), 1, scale);
    for (int64_t i = 0; i < at_.tokens; i += query_block) add_queries(head, i, std::min(query_block, at_.tokens - i));
    float* dqkv = op_.dqkv.mutable_data<float>();
    write(dk_, at_.tokens, scale, dqkv + at_.k(head));
    write(dv_, at_.tokens, 1, dqkv + at_.v(head));
  }

 private:
  void add_queries(int64_t head, int64_t i, int64_t rows) {
    const float* q = op_.qkv.data<float>() + at_.q(head) + i * at_.qkv_stride();
    const float* dy = op_.dy.data<float>() + at_.y(head) + i * at_.y_stride();
    const float* log_sum_exp = op_.log_sum_exp.data<float>() + at_.log_sum_exp(head) + i;
    HeadPanels q_rows(q_memory_, rows, at_.width), dy_rows(dy_memory_, rows, at_.width);
    q_rows.fill(q, at_.qkv_stride(), 1, 1);
    dy_rows.fill(dy, at_.y_stride(), 1, 1);
    const int64_t in_bias = at_.bias(head) + i * at_.tokens;
    if (op_.bias.defined())
      for (int64_t r = 0; r < rows; ++r)
        std::copy_n(op_.bias.data<float>() + in_bias + r * at_.tokens, at_.tokens, p_ + r * row_stride_);
    keys_.multiply(false, rows, q, at_.qkv_stride(), 0, at_.width, 0, at_.tokens, p_, row_stride_, op_.bias.defined());
    values_.multiply(false, rows, dy, at_.y_stride(), 0, at_.width, 0, at_.tokens, s_, row_stride_, false);
    for (int64_t r = 0; r < rows; ++r) weigh(p_ + r * row_stride_, s_ + r * row_stride_, log_sum_exp[r]);
    if (op_.dbias.defined()) add_to_bias(op_.dbias.mutable_data<float>() + in_bias, rows, head < at_.heads);
    const bool later = i > 0;
    dy_rows.multiply(true, at_.tokens, p_, row_stride_, 0, rows, 0, at_.width, dv_, stride_, later);
    q_rows.multiply(true, at_.tokens, s_, row_stride_, 0, rows, 0, at_.width, dk_, stride_, later);
    key_rows_.multiply(false, rows, s_, row_stride_, 0, at_.tokens, 0, at_.width, dq_, stride_, false);
    write(dq_, rows, 1, op_.dqkv.mutable_data<float>() + at_.q(head) + i * at_.qkv_stride());
  }

  // Replaces a query's logits by its p, and the products of its dy with the values by its s.
  void weigh(float* p, float* s, float log_sum_exp) const {
    float along = 0;
#pragma omp simd reduction(+ : along)
    for (int64_t j = 0; j < at_.tokens; ++j) {
      p[j] = fast_exp(p[j] - log_sum_exp);
      along += p[j] * s[j];
    }
#pragma omp simd
    for (int64_t j = 0; j < at_.tokens; ++j) s[j] = p[j] * (s[j] - along);
  }

  // Adds up s over the images, from the first.
  void add_to_bias(float* dbias, int64_t rows, bool first) const {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < at_.tokens; ++j)
        dbias[r * at_.tokens + j] = (first ? 0 : dbias[r * at_.tokens + j]) + s_[r * row_stride_ + j];
  }

  void write(const float* from, int64_t rows, float factor, float* to) const {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < at_.width; ++c) to[r * at_.qkv_stride() + c] = factor * from[r * stride_ + c];
  }

  const AttentionGradient& op_;
  HeadLayout at_;
  int64_t stride_;                // of dq_, dk_ and dv_
  int64_t row_stride_;            // of p_ and s_
  HeadPanels keys_, values_;      // k^T times the scale and v^T, (d, L)
  HeadPanels key_rows_;           // k times the scale, (L, d)
  float *q_memory_, *dy_memory_;  // a block of queries and of dy, (queries, d)
  float *p_, *s_;                 // of a block of queries and all keys, s without the scale
  float *dq_, *dk_, *dv_;         // of a block of queries; of all keys
};

// What a thread computes as a whole: every `step`-th head from one of the first `step` on.
int64_t step_of(const AttentionGradient& op, const HeadLayout& at) { return op.dbias.defined() ? at.heads : at.count; }

}  // namespace

void kernel(Cpu, const AttentionGradient& op) {
  const HeadLayout at(op.qkv);
  const int64_t step = step_of(op, at);
  Workspace workspace(count_slots(step, 1) * HeadGradient::floats(at));
  float* memory = workspace.take(0);
  for_parts(step, 1, [&](int64_t slot, int64_t begin, int64_t end) {
    HeadGradient gradient(op, at, memory + slot * HeadGradient::floats(at));
    for (int64_t first = begin; first < end; ++first)
      for (int64_t head = first; head < at.count; head += step) gradient.run(head);
  });
}

int64_t workspace_bytes(Cpu, const AttentionGradient& op) {
  const HeadLayout at(op.qkv);
  return count_slots(step_of(op, at), 1) * HeadGradient::floats(at) * static_cast<int64_t>(sizeof(float));
}

}  // namespace minissl::ops
