#pragma once
#include "tensor/random.h"
#include "tensor/tensor.h"

namespace minissl {

/// Images (N, H, W, C) of normal numbers.
inline Tensor random_images(const Shape& shape) {
  const Tensor images = Tensor::empty(shape);
  const Random random(1, RandomSite::test);
  for (int64_t i = 0; i < images.numel(); ++i)
    images.mutable_data<float>()[i] = random.normal(static_cast<uint32_t>(i));
  return images;
}

}  // namespace minissl
