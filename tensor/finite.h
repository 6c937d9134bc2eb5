#pragma once
#include <algorithm>
#include <cmath>

#include "tensor/tensor.h"

namespace minissl {

/// Whether all elements of a tensor, on any device, are finite.
inline bool all_finite(const Tensor& tensor) {
  const Tensor here = tensor.to(Device{});
  return visit_dtype(here.dtype(), [&](auto type) {
    using T = decltype(type);
    if constexpr (std::is_integral_v<T>) return true;
    using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;
    const T* begin = here.template data<T>();
    return std::all_of(begin, begin + here.numel(), [](T value) { return std::isfinite(static_cast<Wide>(value)); });
  });
}

}  // namespace minissl
