#pragma once
#include "autograd/variable.h"

namespace minissl {

inline Tensor numbers(const Shape& shape, const std::vector<double>& values) { return Tensor::from(shape, values); }
/// A leaf (N) of float64 numbers.
inline Variable leaf(const std::vector<double>& values) {
  return Variable::leaf(numbers({static_cast<int64_t>(values.size())}, values));
}

}  // namespace minissl
