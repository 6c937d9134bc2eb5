#include "tensor/cuda/launch.h"
#include "tensor/ops/gumbel.h"

namespace minissl::ops {
namespace {

template <class T>
void compute(const GumbelNoise& op) {
  const auto* key = cuda::data<int64_t>(op.key);
  T* y = cuda::mutable_data<T>(op.y);
  cuda::each(op, cuda::divide_up(op.y.numel(), 4), [=, count = op.y.numel()] __device__(int64_t block) {
    const std::array<float, 4> units = open_units(static_cast<uint64_t>(*key), block);
    for (int64_t i = 4 * block; i < 4 * block + 4 && i < count; ++i)
      y[i] = -std::log(-std::log(static_cast<T>(units[static_cast<size_t>(i % 4)])));
  });
}

}  // namespace

void kernel(Cuda, const GumbelNoise& op) {
  visit_arithmetic(op.y.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace minissl::ops
