#pragma once
#include <algorithm>

#include "tensor/cuda/launch.h"

/// Sums in a fixed order, so that they always have the same bits; internal. Several can be taken at once.
namespace minissl::cuda {

template <class A, int n>
struct Sums {
  A of[n];

  template <class B>
  MINISSL_HD Sums& operator+=(const Sums<B, n>& other) {
    for (int k = 0; k < n; ++k) of[k] += static_cast<A>(other.of[k]);
    return *this;
  }
};

inline constexpr int warp_threads = 32;

/// Returns the sum of the values of all threads of the block, in each of them.
template <class A>
__device__ A block_sum(A value) {
  constexpr int warps = block_threads / warp_threads;
  __shared__ A of_warp[warps];
  for (int distance = warp_threads / 2; distance > 0; distance /= 2) value += __shfl_down_sync(~0U, value, distance);
  __syncthreads();  // an earlier sum has been read
  if (threadIdx.x % warp_threads == 0) of_warp[threadIdx.x / warp_threads] = value;
  __syncthreads();
  A sum = of_warp[0];
  for (int w = 1; w < warps; ++w) sum += of_warp[w];
  return sum;
}

template <class A, int n>
__device__ Sums<A, n> block_sum(Sums<A, n> sums) {
  for (int k = 0; k < n; ++k) sums.of[k] = block_sum(sums.of[k]);
  return sums;
}

/// Returns the sum of value(i) over i < count, in every thread of the block.
template <class A, class F>
__device__ A block_sum(int64_t count, F value) {
  A sum{};
  for (int64_t i = threadIdx.x; i < count; i += block_threads) sum += value(i);
  return block_sum(sum);
}

/// Calls finish(sums) on one thread with the n sums of body(i) over i < count, added up in float64.
template <int n, class Op, class Body, class Finish>
void reduce(const Op& op, int64_t count, Body body, Finish finish) {
  constexpr int64_t most_blocks = 1024;
  const int64_t part = std::max<int64_t>(divide_up(count, most_blocks), 4 * block_threads);
  const int64_t parts = divide_up(count, part);
  const Scratch scratch(op.dispatch().device());
  auto* partial = scratch.as<Sums<double, n>>();
  each_block(op, parts, 1, [=] __device__(int64_t p, int64_t) {
    const int64_t begin = p * part, size = count - begin < part ? count - begin : part;
    const auto sums = block_sum<Sums<double, n>>(size, [=](int64_t i) { return body(begin + i); });
    if (threadIdx.x == 0) partial[p] = sums;
  });
  each_block(op, 1, 1, [=] __device__(int64_t, int64_t) {
    const auto sums = block_sum<Sums<double, n>>(parts, [=](int64_t i) { return partial[i]; });
    if (threadIdx.x == 0) finish(sums);
  });
}

/// Rows [begin, end) of 32 columns of a matrix, for one block, eight threads of which share each column.
class BlockColumns {
 public:
  static constexpr int width = 32, height = block_threads / width;

  /// Columns tile * 32 to tile * 32 + 31, as far as they exist.
  __device__ BlockColumns(int64_t tile, int64_t columns, int64_t begin, int64_t end)
      : column_(tile * width + threadIdx.x % width),
        first_(begin + threadIdx.x / width),
        end_(column_ < columns ? end : begin),
        leads_(threadIdx.x < width && column_ < columns) {}

  /// This thread's column.
  __device__ int64_t column() const { return column_; }
  /// True in one thread of each column.
  __device__ bool leads() const { return leads_; }
  /// f(row) for each row, each by one of the threads that share the column.
  template <class F>
  __device__ void each_row(F f) const {
    for (int64_t r = first_; r < end_; r += height) f(r);
  }
  /// Returns the sum of value(row) over the rows, in every thread.
  template <class A, class F>
  __device__ A sum(F value) const {
    __shared__ A shared[height][width];
    A sum{};
    each_row([&](int64_t r) { sum += value(r); });
    __syncthreads();  // an earlier sum has been read
    shared[threadIdx.x / width][threadIdx.x % width] = sum;
    __syncthreads();
    sum = shared[0][threadIdx.x % width];
    for (int r = 1; r < height; ++r) sum += shared[r][threadIdx.x % width];
    return sum;
  }

 private:
  int64_t column_, first_, end_;
  bool leads_;
};

/// f(columns) for the columns of a matrix, each whole column in one block: for embeddings of a batch.
template <class Op, class F>
void each_column(const Op& op, const Tensor& matrix, F f) {
  const int64_t rows = matrix.dim(0), columns = matrix.dim(1);
  each_block(op, divide_up(columns, BlockColumns::width), 1,
             [=] __device__(int64_t tile, int64_t) { f(BlockColumns(tile, columns, 0, rows)); });
}

/// Calls finish(column, sums), on one thread per column, with the n sums of body(row, column) over the rows, added up
/// in A within parts of the rows, then in float64. For matrices of many rows: activations, channel by channel.
template <class A, int n, class Op, class Body, class Finish>
void reduce_columns(const Op& op, int64_t rows, int64_t columns, Body body, Finish finish) {
  constexpr int64_t blocks_wanted = 1024, least_rows = 64;
  const int64_t tiles = divide_up(columns, BlockColumns::width);
  const int64_t part = std::max(divide_up(rows, divide_up(blocks_wanted, tiles)), least_rows);
  const int64_t parts = divide_up(rows, part);
  require(parts * columns * static_cast<int64_t>(sizeof(Sums<A, n>)) <= Scratch::bytes,
          "{}: {} columns are too many for a GPU's scratch memory", Op::name, columns);
  const Scratch scratch(op.dispatch().device());
  auto* partial = scratch.as<Sums<A, n>>();
  each_block(op, tiles, parts, [=] __device__(int64_t tile, int64_t p) {
    const BlockColumns block(tile, columns, p * part, p * part + part < rows ? p * part + part : rows);
    const auto sums = block.sum<Sums<A, n>>([&](int64_t r) { return body(r, block.column()); });
    if (block.leads()) partial[p * columns + block.column()] = sums;
  });
  each_block(op, tiles, 1, [=] __device__(int64_t tile, int64_t) {
    const BlockColumns block(tile, columns, 0, parts);
    const auto sums = block.sum<Sums<double, n>>([&](int64_t p) { return partial[p * columns + block.column()]; });
    if (block.leads()) finish(block.column(), sums);
  });
}

}  // namespace minissl::cuda
