#include "tensor/cuda/device.h"
#include "tensor/cuda/launch.h"

namespace minissl::cuda {
namespace {

template <class T, class A>
MINISSL_HD T element(A value) {
  if constexpr (std::is_same_v<T, bfloat16>)
    return bfloat16(static_cast<float>(value));
  else
    return static_cast<T>(value);
}

template <class To, class From>
void convert(const From* from, const Tensor& to) {
  To* out = mutable_data<To>(to);
  each("cast", to.device(), to.numel(), [=] __device__(int64_t i) { out[i] = element<To>(at(from, i)); });
}

template <class T>
void fill_with(const Tensor& t, T value) {
  T* out = mutable_data<T>(t);
  each("fill", t.device(), t.numel(), [=] __device__(int64_t i) { out[i] = value; });
}

}  // namespace

void convert(const Tensor& from, const Tensor& to) {
  visit_dtype(from.dtype(), [&](auto source) {
    visit_dtype(to.dtype(), [&](auto target) { convert<decltype(target)>(data<decltype(source)>(from), to); });
  });
}

void fill(const Tensor& t, double value) {
  visit_dtype(t.dtype(), [&](auto type) { fill_with(t, element<decltype(type)>(value)); });
}

}  // namespace minissl::cuda
