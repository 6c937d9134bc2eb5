#include "tensor/cuda/attention_tiles.h"

// A block computes a tile of queries and goes through the keys, tile by tile, as the CPU does with its blocks.
namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
struct Forward {
  using A = Arithmetic<T>;
  using Tiles = AttentionTiles<A>;

  __device__ void operator()(int64_t block, int64_t) const {
    __shared__ typename Tiles::Rows q, kv;
    __shared__ typename Tiles::Square p;
    const int64_t tiles = Tiles::count(at.tokens), head = block / tiles, first = block % tiles * Tiles::rows;
    const int row = threadIdx.x / Tiles::row_threads, lane = threadIdx.x % Tiles::row_threads;
    const int width = static_cast<int>(at.width);
    Tiles::load(q, qkv + at.q(head), at.qkv_stride(), first, at);
    A weighted[Tiles::columns] = {}, largest = -HUGE_VALF, sum = 0;
    for (int64_t key = 0; key < at.tokens; key += Tiles::rows) {
      Tiles::load(kv, qkv + at.k(head), at.qkv_stride(), key, at);
      for (int j = lane; j < Tiles::rows; j += Tiles::row_threads)
        p[row][j] = key + j < at.tokens
                        ? scale * Tiles::dot(q[row], kv[j], width) + Tiles::bias(bias, at, head, first + row, key + j)
                        : A(-HUGE_VALF);
      __syncthreads();
      A most = largest;
      for (int j = 0; j < Tiles::rows; ++j) most = p[row][j] > most ? p[row][j] : most;
      const A shrink = std::exp(largest - most);
      largest = most;
      __syncthreads();  // the row's threads have read its logits
      for (int j = lane; j < Tiles::rows; j += Tiles::row_threads) p[row][j] = std::exp(p[row][j] - most);
      Tiles::load(kv, qkv + at.v(head), at.qkv_stride(), key, at);
      sum *= shrink;
      for (int j = 0; j < Tiles::rows; ++j) sum += p[row][j];
      Tiles::each_column(width, [&](int i, int c) {
        weighted[i] *= shrink;
        for (int j = 0; j < Tiles::rows; ++j) weighted[i] += p[row][j] * kv[j][c];
      });
    }
    if (first + row >= at.tokens) return;
    Tiles::each_column(width, [&](int i, int c) {
      y[at.y(head) + (first + row) * at.y_stride() + c] = static_cast<T>(weighted[i] / sum);
    });
    if (log_sum_exp && lane == 0) log_sum_exp[at.log_sum_exp(head) + first + row] = largest + std::log(sum);
  }

  const T* qkv;
  const A* bias;  // null: none
  T* y;
  A *log_sum_exp, scale;
  HeadLayout at;
};

template <class T>
void compute(const Attention& op) {
  using A = Arithmetic<T>;
  const HeadLayout at(op.qkv);
  each_block(op, at.count * AttentionTiles<A>::count(at.tokens), 1,
             Forward<T>{data<T>(op.qkv), data<A>(op.bias), mutable_data<T>(op.y), mutable_data<A>(op.log_sum_exp),
                        static_cast<A>(op.scale), at});
}

}  // namespace

void kernel(Cuda, const Attention& op) {
  visit_floating(op.qkv.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
