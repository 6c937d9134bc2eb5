#include "tensor/cuda/attention_tiles.h"

// Two kernels: one has a block for each tile of queries, for dq, the other for each tile of keys, for dk and dv. So
// each sum is one block's, added up in order, at the price of computing the logits again. For the gradient of a bias a
// third kernel has a block for each pair of tiles, which goes through the images.
namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
struct Gradient {
  using A = Arithmetic<T>;
  using Tiles = AttentionTiles<A>;
  // What a block has in shared memory: `p` and `s` are [query][key], s without the scale.
  struct Shared {
    typename Tiles::Rows q, dy, k, v;
    typename Tiles::Square p, s;
  };

  __device__ void load_queries(Shared& shared, int64_t head, int64_t first) const {
    Tiles::load(shared.q, qkv + at.q(head), at.qkv_stride(), first, at);
    Tiles::load(shared.dy, dy + at.y(head), at.y_stride(), first, at);
  }
  __device__ void load_keys(Shared& shared, int64_t head, int64_t first) const {
    Tiles::load(shared.k, qkv + at.k(head), at.qkv_stride(), first, at);
    Tiles::load(shared.v, qkv + at.v(head), at.qkv_stride(), first, at);
  }

  /// Computes p and dy . v of the tiles that are loaded, with 0 for p where there is no query or key.
  __device__ void compute_products(Shared& shared, int64_t head, int64_t query, int64_t key) const {
    const int row = threadIdx.x / Tiles::row_threads, width = static_cast<int>(at.width);
    const bool exists = query + row < at.tokens;
    const A offset = exists ? log_sum_exp[at.log_sum_exp(head) + query + row] : A(0);
    for (int j = threadIdx.x % Tiles::row_threads; j < Tiles::rows; j += Tiles::row_threads) {
      const bool both = exists && key + j < at.tokens;
      const A logit = scale * Tiles::dot(shared.q[row], shared.k[j], width) +
                      (both ? Tiles::bias(bias, at, head, query + row, key + j) : A(0));
      shared.p[row][j] = both ? std::exp(logit - offset) : A(0);
      shared.s[row][j] = Tiles::dot(shared.dy[row], shared.v[j], width);
    }
    __syncthreads();
  }
  /// Replaces dy . v by s. `of_row` is `along` of this thread's query.
  __device__ void compute_weights(Shared& shared, int64_t head, int64_t query, int64_t key, A of_row) const {
    compute_products(shared, head, query, key);
    const int row = threadIdx.x / Tiles::row_threads;
    for (int j = threadIdx.x % Tiles::row_threads; j < Tiles::rows; j += Tiles::row_threads)
      shared.s[row][j] = shared.p[row][j] * (shared.s[row][j] - of_row);
    __syncthreads();
  }

  __device__ void write(const A (&sums)[Tiles::columns], A factor, int64_t begin, int64_t first) const {
    const int64_t row = first + threadIdx.x / Tiles::row_threads;
    if (row >= at.tokens) return;
    Tiles::each_column(
        at.width, [&](int i, int c) { dqkv[begin + row * at.qkv_stride() + c] = static_cast<T>(factor * sums[i]); });
  }

  const T *dy, *qkv;
  const A *bias, *log_sum_exp;  // no bias: null
  A* along;                     // in the order of log_sum_exp
  T* dqkv;
  A scale;
  HeadLayout at;
};

template <class T>
struct QueryGradient : Gradient<T> {
  using A = Arithmetic<T>;
  using Tiles = AttentionTiles<A>;

  __device__ void operator()(int64_t block, int64_t) const {
    __shared__ typename Gradient<T>::Shared shared;
    const HeadLayout& at = this->at;
    const int64_t tiles = Tiles::count(at.tokens), head = block / tiles, query = block % tiles * Tiles::rows;
    const int row = threadIdx.x / Tiles::row_threads;
    A dq[Tiles::columns] = {}, along = 0;
    this->load_queries(shared, head, query);
    for (int64_t key = 0; key < at.tokens; key += Tiles::rows) {
      this->load_keys(shared, head, key);
      this->compute_products(shared, head, query, key);
      for (int j = 0; j < Tiles::rows; ++j) along += shared.p[row][j] * shared.s[row][j];
    }
    if (query + row < at.tokens && threadIdx.x % Tiles::row_threads == 0)
      this->along[at.log_sum_exp(head) + query + row] = along;
    for (int64_t key = 0; key < at.tokens; key += Tiles::rows) {
      this->load_keys(shared, head, key);
      this->compute_weights(shared, head, query, key, along);
      Tiles::each_column(at.width, [&](int i, int c) {
        for (int j = 0; j < Tiles::rows; ++j) dq[i] += shared.s[row][j] * shared.k[j][c];
      });
    }
    this->write(dq, this->scale, at.q(head), query);
  }
};

template <class T>
struct KeyGradient : Gradient<T> {
  using A = Arithmetic<T>;
  using Tiles = AttentionTiles<A>;

  __device__ void operator()(int64_t block, int64_t) const {
    __shared__ typename Gradient<T>::Shared shared;
    const HeadLayout& at = this->at;
    const int64_t tiles = Tiles::count(at.tokens), head = block / tiles, key = block % tiles * Tiles::rows;
    const int row = threadIdx.x / Tiles::row_threads;
    A dk[Tiles::columns] = {}, dv[Tiles::columns] = {};
    this->load_keys(shared, head, key);
    for (int64_t query = 0; query < at.tokens; query += Tiles::rows) {
      this->load_queries(shared, head, query);
      const int64_t of_row = query + row < at.tokens ? query + row : at.tokens - 1;
      this->compute_weights(shared, head, query, key, this->along[at.log_sum_exp(head) + of_row]);
      Tiles::each_column(at.width, [&](int i, int c) {
        for (int j = 0; j < Tiles::rows; ++j) {
          dk[i] += shared.s[j][row] * shared.q[j][c];
          dv[i] += shared.p[j][row] * shared.dy[j][c];
        }
      });
    }
    this->write(dk, this->scale, at.k(head), key);
    this->write(dv, A(1), at.v(head), key);
  }
};

template <class T>
struct BiasGradient : Gradient<T> {
  using A = Arithmetic<T>;
  using Tiles = AttentionTiles<A>;

  __device__ void operator()(int64_t block, int64_t) const {
    __shared__ typename Gradient<T>::Shared shared;
    const HeadLayout& at = this->at;
    const int64_t tiles = Tiles::count(at.tokens), pair = block % (tiles * tiles), first = block / (tiles * tiles);
    const int64_t query = pair / tiles * Tiles::rows, key = pair % tiles * Tiles::rows;
    const int row = threadIdx.x / Tiles::row_threads, lane = threadIdx.x % Tiles::row_threads;
    static_assert(Tiles::rows <= Tiles::row_threads, "a thread has one element of a pair of tiles, or none");
    const bool exists = lane < Tiles::rows && query + row < at.tokens && key + lane < at.tokens;
    A sum = 0;
    for (int64_t head = first; head < at.count; head += at.heads) {
      this->load_queries(shared, head, query);
      this->load_keys(shared, head, key);
      const int64_t of_row = query + row < at.tokens ? query + row : at.tokens - 1;
      this->compute_weights(shared, head, query, key, this->along[at.log_sum_exp(head) + of_row]);
      if (exists) sum += shared.s[row][lane];
    }
    if (exists) dbias[at.bias(first) + (query + row) * at.tokens + key + lane] = sum;
  }

  A* dbias;
};

template <class T>
void compute(const AttentionGradient& op) {
  using A = Arithmetic<T>;
  const HeadLayout at(op.qkv);
  const Tensor along = Tensor::empty_like(op.log_sum_exp);
  const Gradient<T> gradient{
      data<T>(op.dy),         data<T>(op.qkv),          data<A>(op.bias),         data<A>(op.log_sum_exp),
      mutable_data<A>(along), mutable_data<T>(op.dqkv), static_cast<A>(op.scale), at};
  const int64_t blocks = at.count * AttentionTiles<A>::count(at.tokens);
  each_block(op, blocks, 1, QueryGradient<T>{gradient});  // which writes `along`
  each_block(op, blocks, 1, KeyGradient<T>{gradient});
  if (!op.dbias.defined()) return;
  const int64_t tiles = AttentionTiles<A>::count(at.tokens);
  each_block(op, at.heads * tiles * tiles, 1, BiasGradient<T>{gradient, mutable_data<A>(op.dbias)});
}

}  // namespace

void kernel(Cuda, const AttentionGradient& op) {
  visit_floating(op.dy.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

int64_t workspace_bytes(Cuda, const AttentionGradient& op) { return op.log_sum_exp.bytes(); }

}  // namespace minissl::ops
