#include "tensor/cuda/launch.h"
#include "tensor/ops/elementwise.h"

namespace minissl::ops {
namespace {

using namespace cuda;

template <class T, class F>
void compute(const Unary<F>& op) {
  const T* x = data<T>(op.x);
  T* y = mutable_data<T>(op.y);
  each(op, op.x.numel(), [=, f = op.f] __device__(int64_t i) { y[i] = static_cast<T>(f(at(x, i))); });
}

template <class T, class F>
void compute(const UnaryGradient<F>& op) {
  const T *dy = data<T>(op.dy), *x = data<T>(op.x.defined() ? op.x : op.dy),
          *y = data<T>(op.y.defined() ? op.y : op.dy);
  T* dx = mutable_data<T>(op.dx);
  each(op, op.dy.numel(),
       [=, f = op.f] __device__(int64_t i) { dx[i] = static_cast<T>(f.gradient(at(dy, i), at(x, i), at(y, i))); });
}

template <class T, class F>
void compute(const Binary<F>& op) {
  const T *a = data<T>(op.a), *b = data<T>(op.b);
  T* y = mutable_data<T>(op.y);
  each(op, op.a.numel(), [=, f = op.f] __device__(int64_t i) { y[i] = static_cast<T>(f(at(a, i), at(b, i))); });
}

template <class T, class F>
void compute(const BinaryGradient<F>& op) {
  const T *dy = data<T>(op.dy), *a = data<T>(op.a.defined() ? op.a : op.dy),
          *b = data<T>(op.b.defined() ? op.b : op.dy);
  T *da = mutable_data<T>(op.da), *db = mutable_data<T>(op.db);
  each(op, op.dy.numel(), [=, f = op.f] __device__(int64_t i) {
    if (da) da[i] = static_cast<T>(f.gradient_a(at(dy, i), at(a, i), at(b, i)));
    if (db) db[i] = static_cast<T>(f.gradient_b(at(dy, i), at(a, i), at(b, i)));
  });
}

}  // namespace

template <detail::Elementwise Op>
void kernel(Cuda, const Op& op) {
  visit_floating(op.dispatch().dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

#include "tensor/cuda/elementwise_instances.h"

}  // namespace minissl::ops
