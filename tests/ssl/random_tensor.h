#pragma once
#include "tensor/random.h"
#include "tensor/tensor.h"

namespace minissl {

/// Standard normal numbers.
inline Tensor random_tensor(const Shape& shape, uint64_t seed, DType dtype = DType::f32) {
  const Tensor t = Tensor::empty(shape);
  const Random random(seed, RandomSite::test);
  for (int64_t i = 0; i < t.numel(); ++i) t.mutable_data<float>()[i] = random.normal(static_cast<uint32_t>(i));
  return t.to(dtype);
}

}  // namespace minissl
