#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tensor/device.h"
#include "tensor/memory_source.h"

/// What the rest of tensor/ asks of the CUDA backend besides kernels. A build without a CUDA toolkit has these
/// functions, too (absent.cpp): no devices, and an Error for whoever wants one.
namespace minissl {

class Tensor;

namespace cuda {

/// The GPUs that this process can use; 0 where there is no driver or no GPU.
int device_count();
/// Why device_count() is 0, for a person: "this build has no CUDA backend". Empty where it isn't.
std::string why_none();

struct DeviceProperties {
  std::string name;
  int64_t memory, free_memory;  ///< bytes
  int multiprocessors;
  int major, minor;  ///< compute capability
};
/// Throws Error where there is no such device, as all functions below.
DeviceProperties properties(Device device);

/// Memory of the device, for its allocator.
std::unique_ptr<MemorySource> memory_source(Device device);

/// `to` gets the elements of `from`: one shape and type; one of them or both on a GPU. A copy to the host has happened
/// when it returns; others happen in the order of the device's work, and `from` may be changed at once.
void copy(const Tensor& from, const Tensor& to);
/// The same with two types on one GPU.
void convert(const Tensor& from, const Tensor& to);
/// The elements to page-locked memory (pinned.h), once the device's work comes to it; the host goes on at once.
void copy_to_host(const Tensor& from, std::byte* pinned);
void fill(const Tensor& t, double value);

/// When a device comes to certain points of its work, by its own clock; nobody waits for it while it is marked.
class Timeline {
 public:
  virtual ~Timeline() = default;
  /// Marks the end of all that the device was asked to do so far. Returns the mark's number; 0 was made when the device
  /// had nothing to do, as the timeline was.
  virtual size_t mark() = 0;
  /// When each mark was reached, in seconds since the first. Waits for the device.
  virtual std::vector<double> seconds() = 0;
};
/// Waits for the device.
std::unique_ptr<Timeline> timeline(Device device);

/// Returns when the device has done all it was asked for. Throws Error for what went wrong meanwhile.
void synchronize(Device device);

}  // namespace cuda
}  // namespace minissl
