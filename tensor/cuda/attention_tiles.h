#pragma once
#include "tensor/cuda/launch.h"
#include "tensor/ops/attention.h"

/// Tiles of a head's rows in shared memory; internal to attention.
namespace minissl::cuda {

/// A tile has as many rows as fit: a block's four tiles of rows take 33 KiB. The block's threads are shared out evenly
/// among the rows.
template <class A>
struct AttentionTiles {
  static constexpr int rows = sizeof(A) == sizeof(double) ? 8 : 16, row_threads = block_threads / rows;
  /// Of a row, for each of its threads.
  static constexpr int columns = static_cast<int>(ops::most_head_elements + row_threads - 1) / row_threads;
  /// One more element for each row, so that a column's elements are in different banks.
  using Rows = A[rows][ops::most_head_elements + 1];
  using Square = A[rows][rows + 1];

  /// The number of tiles of a head.
  static MINISSL_HD int64_t count(int64_t tokens) { return (tokens + rows - 1) / rows; }

  /// Waits until the block has read what is in the tile, copies rows [first, first + rows) into it, with zeros for
  /// those that don't exist, and waits until all are there.
  template <class T>
  static __device__ void load(Rows& tile, const T* head, int64_t stride, int64_t first, const ops::HeadLayout& at) {
    __syncthreads();
    const int width = static_cast<int>(at.width);
    for (int i = threadIdx.x; i < rows * width; i += block_threads) {
      const int64_t row = first + i / width;
      tile[i / width][i % width] = row < at.tokens ? cuda::at(head, row * stride + i % width) : A(0);
    }
    __syncthreads();
  }

  /// Calls f(i, c) for the columns c of a row that are this thread's: the i-th of them. A constant number of turns lets
  /// the compiler hold an array that is indexed by i in registers.
  template <class F>
  static __device__ void each_column(int64_t width, F f) {
    for (int i = 0; i < columns; ++i) {
      const int c = static_cast<int>(threadIdx.x) % row_threads + i * row_threads;
      if (c < width) f(i, c);
    }
  }

  /// Element (query, key) of a head's bias; 0 if there is none, or no such query.
  static __device__ A bias(const A* all, const ops::HeadLayout& at, int64_t head, int64_t query, int64_t key) {
    return all && query < at.tokens ? all[at.bias(head) + query * at.tokens + key] : A(0);
  }

  static __device__ A dot(const A* a, const A* b, int width) {
    A sum = 0;
    for (int c = 0; c < width; ++c) sum += a[c] * b[c];
    return sum;
  }
};

}  // namespace minissl::cuda
