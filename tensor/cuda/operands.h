#pragma once
#include "tensor/host_device.h"
#include "tensor/number.h"
#include "tensor/tensor.h"

/// Elements of tensors as kernels see them; internal.
namespace minissl::cuda {

/// The type in which elements of type T are computed with, and that of statistics and losses.
template <class T>
struct ArithmeticOf {
  using type = T;
};
template <>
struct ArithmeticOf<bfloat16> {
  using type = float;
};
template <class T>
using Arithmetic = typename ArithmeticOf<T>::type;

/// Element i in that type.
template <class T>
MINISSL_HD Arithmetic<T> at(const T* values, int64_t i) {
  return static_cast<Arithmetic<T>>(values[i]);
}

/// The elements; null for an undefined tensor.
template <class T>
const T* data(const Tensor& t) {
  return t.defined() ? t.data<T>(DeviceType::cuda) : nullptr;
}
template <class T>
T* mutable_data(const Tensor& t) {
  return t.defined() ? t.mutable_data<T>(DeviceType::cuda) : nullptr;
}

/// A Number as kernels see it.
struct NumberOperand {
  explicit NumberOperand(const Number& number) : where(data<double>(number.tensor())), value(number.value_on_host()) {}
  MINISSL_HD double get() const { return where ? *where : value; }

  const double* where;
  double value;
};

/// Calls f(T{}) with the C++ type of a floating element type.
template <class F>
void visit_floating(DType type, F&& f) {
  if (type == DType::bf16) return f(bfloat16{});
  visit_arithmetic(type, f);
}

}  // namespace minissl::cuda
