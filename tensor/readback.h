#pragma once
#include <memory>
#include <span>
#include <vector>

#include "tensor/tensor.h"

namespace minissl {

namespace cuda {
class PinnedMemory;
class Marker;
}  // namespace cuda

/// Numbers that a device computes, on their way to the host, which goes on working and reads them later. On the CPU
/// they arrive at once.
class Readback {
 public:
  /// Room for `count` numbers.
  Readback(Device device, int64_t count);
  ~Readback();
  int64_t count() const { return count_; }

  /// The numbers from `at` on become the elements of an f64 tensor, as they are when the device's work gets to here.
  void copy(const Tensor& from, int64_t at);
  /// To be called after the last copy was requested.
  void finish();
  /// Whether they have all arrived.
  bool ready() const;
  /// The numbers; waits for them.
  std::span<const double> numbers() const;

 private:
  int64_t count_;
  std::vector<double> here_;                    // where the device is the CPU
  std::unique_ptr<cuda::PinnedMemory> pinned_;  // where it is a GPU
  std::unique_ptr<cuda::Marker> end_;
};

}  // namespace minissl
