#pragma once
#include "tensor/cuda/launch.h"

/// Softmax of rows in a single pass; internal.
namespace minissl::cuda {

/// The largest of some numbers, and the sum of exp(number - largest), which can be merged: logits are read once.
/// Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018.
template <class A>
struct Softmax {
  A largest = -HUGE_VALF, sum = 0;

  __device__ void add(A value) {
    if (value <= largest) {
      if (sum > A(0)) sum += std::exp(value - largest);  // before the first, both may be -infinity
    } else {                                             // or NaN, which stays
      sum = sum * std::exp(largest - value) + A(1);
      largest = value;
    }
  }
  __device__ void merge(const Softmax& other) {
    if (other.sum == A(0)) return;
    const A both = largest < other.largest || other.largest != other.largest ? other.largest : largest;
    sum = (sum == A(0) ? sum : sum * std::exp(largest - both)) + other.sum * std::exp(other.largest - both);
    largest = both;
  }
  __device__ A log_sum_exp() const { return largest + std::log(sum); }
};

/// Merges the parts of all threads of the block; returns the result in each of them.
template <class A>
__device__ Softmax<A> block_merge(const Softmax<A>& part) {
  // Plain bytes: shared memory has no constructors.
  __shared__ A largest[block_threads], sum[block_threads];
  __syncthreads();  // an earlier result has been read
  largest[threadIdx.x] = part.largest;
  sum[threadIdx.x] = part.sum;
  const auto of = [](unsigned i) { return Softmax<A>{largest[i], sum[i]}; };
  for (unsigned half = block_threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x >= half) continue;
    Softmax<A> both = of(threadIdx.x);
    both.merge(of(threadIdx.x + half));
    largest[threadIdx.x] = both.largest;
    sum[threadIdx.x] = both.sum;
  }
  __syncthreads();
  return of(0);
}

}  // namespace minissl::cuda
