#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "data/image.h"

namespace minissl {

/// Images of a data set cached on a GPU: as many as fit into a memory budget stay there, each copied once.
class DeviceImages {
 public:
  /// For a data set of `count` images; `budget` bytes.
  DeviceImages(int64_t count, Device device, int64_t budget)
      : device_(device), left_(budget), there_(static_cast<size_t>(count)), pixels_(static_cast<size_t>(count)) {}

  /// The pixels of image i if they are cached on the device, else undefined. Safe from any thread.
  Tensor find(int64_t i) const {
    const auto at = static_cast<size_t>(i);
    return there_[at].load(std::memory_order_acquire) ? pixels_[at] : Tensor();
  }
  /// Copies the pixels of image i to the device and caches them if they fit. From one thread only.
  Tensor bring(int64_t i, const Tensor& pixels) {
    const TagScope tag(MemoryTag::data);
    const auto at = static_cast<size_t>(i);
    if (there_[at]) return pixels_[at];
    Tensor on_device = pixels.to(device_);
    if (on_device.bytes() > left_) return on_device;
    left_ -= on_device.bytes();
    pixels_[at] = on_device;
    there_[at].store(true, std::memory_order_release);
    return on_device;
  }

 private:
  Device device_;
  int64_t left_;
  std::vector<std::atomic<bool>> there_;
  std::vector<Tensor> pixels_;
};

}  // namespace minissl
