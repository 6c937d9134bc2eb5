#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "data/image.h"

namespace minissl {

/// Images of a data set on a GPU: as many as fit into a budget of memory stay there, each brought once.
class DeviceImages {
 public:
  /// For a data set of `count` images; `budget` bytes.
  DeviceImages(int64_t count, Device device, int64_t budget)
      : device_(device), left_(budget), there_(static_cast<size_t>(count)), pixels_(static_cast<size_t>(count)) {}

  /// The pixels of image i if they stay on the device, else undefined. From any thread.
  Tensor find(int64_t i) const {
    const auto at = static_cast<size_t>(i);
    return there_[at].load(std::memory_order_acquire) ? pixels_[at] : Tensor();
  }
  /// The pixels of image i on the device, where they stay if they fit. From one thread.
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
