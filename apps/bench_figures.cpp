#include "apps/bench_figures.h"

#include <algorithm>
#include <cmath>
#include <sys/resource.h>

#include "nn/module.h"
#include "tensor/random.h"

namespace minissl {

Tensor random_images(const Shape& shape, DType dtype, uint64_t seed, uint32_t number) {
  const TagScope tag(MemoryTag::data);
  const Random random(seed, RandomSite::test, 0, 0, number);
  Tensor images = Tensor::empty(shape);
  for (int64_t i = 0; i < images.numel(); ++i)
    images.mutable_data<float>()[i] = random.normal(static_cast<uint32_t>(i));
  return images.to(dtype).to(DeviceScope::current());
}

Spread::Spread(std::vector<double> milliseconds) {
  std::sort(milliseconds.begin(), milliseconds.end());
  const size_t middle = milliseconds.size() / 2;
  median = milliseconds.size() % 2 ? milliseconds[middle] : (milliseconds[middle - 1] + milliseconds[middle]) / 2;
  least = milliseconds.front();
  most = milliseconds.back();
}

double rounded(double value, double parts) { return std::round(value * parts) / parts; }

int64_t peak_bytes(Device device) {
  if (device.type == DeviceType::cuda) return allocator(device).usage().reserved;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

}  // namespace minissl
