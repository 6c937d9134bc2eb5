#include "tests/cuda/simulator/simulator.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "tests/cuda/simulator/block.h"
#include "tests/cuda/simulator/cuda_runtime.h"
#include "tests/cuda/simulator/graph.h"

namespace {

constexpr int devices = 2;

std::atomic<simulator::Order> order{simulator::Order::forward};
thread_local int current_device = 0;
thread_local simulator::Block block;

struct Memory {
  std::mutex mutex;
  size_t limit = size_t{64} << 30;
  size_t used[devices] = {};
  std::map<void*, std::pair<int, size_t>> blocks;  // device and bytes
  std::map<void*, size_t> pinned;                  // bytes
};
Memory& memory() {
  static auto& instance = *new Memory;
  return instance;
}

// An event is the time when it was recorded.
using Clock = std::chrono::steady_clock;
Clock::time_point& time_of(cudaEvent_t event) { return *reinterpret_cast<Clock::time_point*>(event); }

// Whether this memory is pageable, so that the host must wait for copies.
bool is_pageable(const void* place) {
  if (simulator::is_mapped(place)) return false;
  const std::lock_guard lock(memory().mutex);
  const auto within = [&](const auto& blocks, auto&& bytes_of) {
    auto block = blocks.upper_bound(const_cast<void*>(place));
    if (block == blocks.begin()) return false;
    --block;
    return place < static_cast<const std::byte*>(block->first) + bytes_of(block->second);
  };
  return !within(memory().blocks, [](const auto& block) { return block.second; }) &&
         !within(memory().pinned, [](size_t bytes) { return bytes; });
}

void run_kernel(dim3 grid, unsigned threads, const std::function<void()>& thread) {
  for (unsigned y = 0; y < grid.y; ++y)
    for (unsigned x = 0; x < grid.x; ++x) {
      blockIdx = {x, y, 0};
      block.run(threads, order == simulator::Order::backward, thread);
    }
}

}  // namespace

namespace simulator {

void set_order(Order wanted) { order = wanted; }

void set_memory(size_t bytes) {
  const std::lock_guard lock(memory().mutex);
  memory().limit = bytes;
}

bool take_memory(int device, size_t bytes) {
  const std::lock_guard lock(memory().mutex);
  size_t& used = memory().used[device];
  if (used + bytes > memory().limit) return false;
  used += bytes;
  return true;
}

void give_memory(int device, size_t bytes) {
  const std::lock_guard lock(memory().mutex);
  memory().used[device] -= bytes;
}

cudaError_t launch(const cudaLaunchConfig_t& config, std::function<void()> thread) {
  const dim3 grid = config.gridDim;
  const unsigned threads = config.blockDim.x;
  if (grid.x == 0 || grid.y == 0 || grid.y > 65535 || grid.x > 0x7fffffff || threads == 0 || threads > 1024)
    return cudaErrorInvalidConfiguration;
  return work(config.stream, [=, thread = std::move(thread)] { run_kernel(grid, threads, thread); });
}

uint64_t exchange(uint64_t bits, unsigned lane) { return block.exchange_in_warp(bits, lane); }

}  // namespace simulator

void __syncthreads() { block.wait_for_block(); }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = devices;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {"simulated GPU", 1, 0, 0};
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= devices) return cudaErrorInvalidDevice;
  current_device = device;
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  const std::lock_guard lock(memory().mutex);
  *total = memory().limit;
  *free = memory().limit - memory().used[current_device];
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** out, size_t bytes) {
  if (!simulator::take_memory(current_device, bytes)) return cudaErrorMemoryAllocation;
  *out = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (!*out) {
    simulator::give_memory(current_device, bytes);
    return cudaErrorMemoryAllocation;
  }
  const std::lock_guard lock(memory().mutex);
  memory().blocks[*out] = {current_device, bytes};
  return cudaSuccess;
}

cudaError_t cudaFree(void* freed) {
  {
    const std::lock_guard lock(memory().mutex);
    const auto block = memory().blocks.extract(freed).mapped();
    memory().used[block.first] -= block.second;
  }
  std::free(freed);
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** out, size_t bytes) {
  const std::lock_guard lock(memory().mutex);
  *out = std::malloc(bytes);
  if (!*out) return cudaErrorMemoryAllocation;
  memory().pinned[*out] = bytes;
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* freed) {
  const std::lock_guard lock(memory().mutex);
  memory().pinned.erase(freed);
  std::free(freed);
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = reinterpret_cast<cudaEvent_t>(new Clock::time_point);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (simulator::capturing(stream)) return simulator::invalidate(stream);
  time_of(event) = Clock::now();
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventQuery(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  *milliseconds = std::chrono::duration<float, std::milli>(time_of(to) - time_of(from)).count();
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete reinterpret_cast<Clock::time_point*>(event);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  if (simulator::capturing(stream) && bytes > 0 && (is_pageable(to) || is_pageable(from)))
    return simulator::invalidate(stream);
  return simulator::work(stream, [=] { std::memmove(to, from, bytes); });
}
cudaError_t cudaMemsetAsync(void* begin, int value, size_t bytes, cudaStream_t stream) {
  return simulator::work(stream, [=] { std::memset(begin, value, bytes); });
}
cudaError_t cudaGetLastError() { return cudaSuccess; }
const char* cudaGetErrorString(cudaError_t status) {
  switch (status) {
    case cudaSuccess:
      return "no error";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorNotReady:
      return "device not ready";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
      return "operation failed due to a previous error during capture";
  }
  return "unknown error";
}
