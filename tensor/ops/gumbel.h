#pragma once
#include "tensor/operation.h"
#include "tensor/random.h"

namespace minissl::ops {

/// Numbers from the standard Gumbel distribution: y[i] = -log(-log u[i]), u[i] uniform in (0, 1). They are a function
/// of key, i64 (1), and i: a host draws the key, and the device, which needs many numbers, all of them.
struct GumbelNoise {
  static constexpr const char* name = "gumbel_noise";
  Tensor key, y;
  const Tensor& dispatch() const { return y; }
};
void kernel(Reference, const GumbelNoise&);
void kernel(Cpu, const GumbelNoise&);
void kernel(Cuda, const GumbelNoise&);

/// u[i] for i = 4 block to 4 block + 3: multiples of 2^-23, off by half of that from 0 and 1.
MINISSL_HD inline std::array<float, 4> open_units(uint64_t key, int64_t block) {
  const Random random(key, RandomSite::gumbel, 0, static_cast<uint32_t>(block >> 32));
  std::array<float, 4> units{};
  const auto bits = random.bits(static_cast<uint32_t>(block));
  for (size_t k = 0; k < 4; ++k) units[k] = (static_cast<float>(bits[k] >> 9U) + 0.5F) * 0x1p-23F;
  return units;
}

/// Throws Error unless the key is one i64.
Tensor gumbel_noise(const Tensor& key, const Shape& shape, DType type);

}  // namespace minissl::ops
