#include "tensor/ops/gumbel.h"

#include <cmath>

#include "tensor/eigen.h"
#include "tensor/parallel.h"

namespace minissl::ops {
namespace {

uint64_t key_of(const GumbelNoise& op) { return static_cast<uint64_t>(op.key.data<int64_t>()[0]); }

// Calls f(i, u[i]) for begin <= i < end; begin is a multiple of 4.
template <class F>
void each_unit(uint64_t key, int64_t begin, int64_t end, F&& f) {
  for (int64_t i = begin; i < end; i += 4) {
    const std::array<float, 4> units = open_units(key, i / 4);
    for (int64_t k = 0; k < std::min<int64_t>(4, end - i); ++k) f(i + k, units[static_cast<size_t>(k)]);
  }
}

}  // namespace

void kernel(Reference, const GumbelNoise& op) {
  visit_arithmetic(op.y.dtype(), [&](auto type) {
    using T = decltype(type);
    T* y = op.y.mutable_data<T>();
    each_unit(key_of(op), 0, op.y.numel(),
              [y](int64_t i, float unit) { y[i] = -std::log(-std::log(static_cast<T>(unit))); });
  });
}

void kernel(Cpu, const GumbelNoise& op) {
  float* y = op.y.mutable_data<float>();
  for_blocks(op.y.numel(), 1024, [&](int64_t, int64_t begin, int64_t end) {
    each_unit(key_of(op), begin, end, [y](int64_t i, float unit) { y[i] = unit; });
    Eigen::Map<Eigen::ArrayXf> block(y + begin, end - begin);
    block = -(-block.log()).log();
  });
}

Tensor gumbel_noise(const Tensor& key, const Shape& shape, DType type) {
  require(key.numel() == 1 && key.dtype() == DType::i64, "gumbel_noise: the key is one i64, not {}", key);
  Tensor y = Tensor::empty(shape, type, key.device());
  run(GumbelNoise{key, y});
  return y;
}

}  // namespace minissl::ops
