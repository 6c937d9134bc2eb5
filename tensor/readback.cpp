#include "tensor/readback.h"

#include <algorithm>

#include "tensor/cuda/device.h"
#include "tensor/cuda/pinned.h"

namespace minissl {

Readback::Readback(Device device, int64_t count) : count_(count) {
  if (device.type == DeviceType::cpu) {
    here_.resize(static_cast<size_t>(count));
  } else {
    pinned_ = std::make_unique<cuda::PinnedMemory>(device, static_cast<size_t>(count) * sizeof(double));
    end_ = std::make_unique<cuda::Marker>(device);
  }
}

Readback::~Readback() {
  // The device may still be writing.
  if (end_ && !end_->reached()) end_->wait();
}

void Readback::copy(const Tensor& from, int64_t at) {
  require(from.dtype() == DType::f64 && at >= 0 && at + from.numel() <= count_, "{} doesn't fit into {} numbers at {}",
          from, count_, at);
  if (pinned_)
    cuda::copy_to_host(from, pinned_->get() + static_cast<size_t>(at) * sizeof(double));
  else
    std::copy_n(from.data<double>(), from.numel(), here_.begin() + at);
}

void Readback::finish() {
  if (end_) end_->set();
}

bool Readback::ready() const { return !end_ || end_->reached(); }

std::span<const double> Readback::numbers() const {
  if (!pinned_) return here_;
  end_->wait();
  return {reinterpret_cast<const double*>(pinned_->get()), static_cast<size_t>(count_)};
}

}  // namespace minissl
