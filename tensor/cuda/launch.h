#pragma once
#include <new>

#include "tensor/cuda/operands.h"
#include "tensor/cuda/runtime.h"

/// How kernels are launched; internal. A kernel is a function of the number of an element or of a block:
///   each(op, y.numel(), [=] __device__(int64_t i) { y[i] = f(x[i]); });
namespace minissl::cuda {

/// The number of threads in every block.
inline constexpr int block_threads = 256;

inline int64_t divide_up(int64_t n, int64_t by) { return (n + by - 1) / by; }

template <class F>
__global__ void __launch_bounds__(block_threads) run_elements(int64_t count, F f) {
  const int64_t i = int64_t{blockIdx.x} * block_threads + threadIdx.x;
  if (i < count) f(i);
}

template <class F>
__global__ void __launch_bounds__(block_threads) run_blocks(F f) {
  f(int64_t{blockIdx.x}, int64_t{blockIdx.y});
}

/// Launches run_elements or run_blocks. `name` is for messages.
template <class... Parameters>
void launch(const char* name, Device device, void (*kernel)(Parameters...), dim3 blocks, Parameters... arguments) {
  if (blocks.x == 0 || blocks.y == 0) return;
  cudaLaunchConfig_t config{};
  config.gridDim = blocks;
  config.blockDim = dim3(block_threads);
  config.stream = stream(device);
  check(cudaLaunchKernelEx(&config, kernel, arguments...), name);
}

/// f(i) for each i < count, each by a thread.
template <class F>
void each(const char* name, Device device, int64_t count, F f) {
  launch(name, device, run_elements<F>, dim3(static_cast<unsigned>(divide_up(count, block_threads))), count, f);
}
template <class Op, class F>
void each(const Op& op, int64_t count, F f) {
  each(Op::name, op.dispatch().device(), count, f);
}

/// f(x, y) for each x < columns and y < rows (up to 65535), each by all threads of a block, which divide the work by
/// threadIdx.x.
template <class Op, class F>
void each_block(const Op& op, int64_t columns, int64_t rows, F f) {
  launch(Op::name, op.dispatch().device(), run_blocks<F>,
         dim3(static_cast<unsigned>(columns), static_cast<unsigned>(rows)), f);
}

/// Calls make() in one thread of the block and returns its result in all of them.
template <class Make>
__device__ auto made_once(Make make) {
  using Value = decltype(make());
  alignas(Value) __shared__ unsigned char place[sizeof(Value)];
  __syncthreads();  // an earlier one has been read
  if (threadIdx.x == 0) new (place) Value(make());
  __syncthreads();
  return *reinterpret_cast<const Value*>(place);
}

}  // namespace minissl::cuda
