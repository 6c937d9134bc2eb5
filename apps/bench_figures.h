#pragma once
#include <chrono>
#include <vector>

#include "tensor/tensor.h"

/// Shared by the benchmarks: random images, summaries of times, peak memory.
namespace minissl {

/// Standard normal images (N, H, W, C) on DeviceScope's device; `number` tells those of a benchmark apart.
Tensor random_images(const Shape& shape, DType dtype, uint64_t seed, uint32_t number);

template <class F>
double milliseconds_of(F&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// The median and the extremes of times in milliseconds.
struct Spread {
  double median, least, most;
  explicit Spread(std::vector<double> milliseconds);
  /// Images per second where each time is that of `images`.
  double per_second(int64_t images) const { return static_cast<double>(images) / median * 1e3; }
};

/// The nearest multiple of 1 / parts.
double rounded(double value, double parts);

/// Peak memory so far, in bytes: of the process on the CPU, reserved by the allocator on a GPU.
int64_t peak_bytes(Device device);

}  // namespace minissl
