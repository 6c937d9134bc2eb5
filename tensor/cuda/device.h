#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tensor/device.h"
#include "tensor/memory_source.h"

/// What the rest of tensor/ needs from the CUDA backend besides kernels. A build without a CUDA toolkit has these
/// functions, too (absent.cpp): there are no devices, and using one is an Error.
namespace minissl {

class Tensor;

namespace cuda {

/// The GPUs that this process can use; 0 where there is no driver or no GPU.
int device_count();
/// Why device_count() is 0, for the user: "this build has no CUDA backend". Empty where it is not 0.
std::string why_none();

struct DeviceProperties {
  std::string name;
  int64_t memory, free_memory;  ///< bytes
  int multiprocessors;
  int major, minor;  ///< compute capability
};
/// Throws Error where there is no such device, as do all functions below.
DeviceProperties properties(Device device);

/// Memory of the device, for its allocator.
std::unique_ptr<MemorySource> memory_source(Device device);

/// Copies the elements of `from` to `to`, which has the same shape and type; at least one of them is on a GPU. A copy
/// to the host is finished when this returns; others happen in the order of the device's work, and `from` may be
/// changed at once.
void copy(const Tensor& from, const Tensor& to);
/// The same between two types on one GPU.
void convert(const Tensor& from, const Tensor& to);
/// Copies the elements to page-locked memory (pinned.h) in the order of the device's work; the host goes on at once.
void copy_to_host(const Tensor& from, std::byte* pinned);
void fill(const Tensor& t, double value);

/// When a device reaches certain points of its work, by its own clock. Marking them does not wait for the device.
class Timeline {
 public:
  virtual ~Timeline() = default;
  /// Marks the end of all work requested so far. Returns the mark's number; mark 0 was made together with the timeline,
  /// when the device had nothing to do.
  virtual size_t mark() = 0;
  /// The time at which each mark was reached, in seconds since the first. Waits for the device.
  virtual std::vector<double> seconds() = 0;
};
/// Waits for the device.
std::unique_ptr<Timeline> timeline(Device device);

/// Returns when the device has done all its work. Throws Error if some of it failed.
void synchronize(Device device);

}  // namespace cuda
}  // namespace minissl
