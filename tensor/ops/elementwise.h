#pragma once
#include "tensor/operation.h"
#include "tensor/ops/functions.h"
#include "tensor/parallel.h"

/// Applies the functions of functions.h to whole tensors. All tensors of an operation have the same shape.
namespace minissl::ops {

/// y[i] = f(x[i])
template <class F>
struct Unary {
  static constexpr const char* name = F::name;
  Tensor x, y;
  F f;
  const Tensor& dispatch() const { return x; }
};

/// dx[i] = f.gradient(dy[i], x[i], y[i]); x or y may be undefined where F does not read it.
template <class F>
struct UnaryGradient {
  static constexpr const char* name = F::name;
  Tensor dy, x, y, dx;
  F f;
  const Tensor& dispatch() const { return dy; }
};

/// y[i] = f(a[i], b[i])
template <class F>
struct Binary {
  static constexpr const char* name = F::name;
  Tensor a, b, y;
  F f;
  const Tensor& dispatch() const { return a; }
};

/// da[i] and db[i] from dy[i]. da or db is undefined where it is not wanted, a and b may be where F does not read them.
template <class F>
struct BinaryGradient {
  static constexpr const char* name = F::name;
  Tensor dy, a, b, da, db;
  F f;
  const Tensor& dispatch() const { return dy; }
};

namespace detail {

inline constexpr int64_t elementwise_grain = 16384;

// One loop serves both CPU backends: the function itself is the reference.
template <class T, class Op>
void each_element(const Op& op, int64_t grain) {
  const auto loop = [&](int64_t n, auto&& body) {
    parallel_for(n, grain, [&](int64_t begin, int64_t end) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) body(i);
    });
  };
  const auto read = [](const Tensor& t, const Tensor& otherwise) { return (t.defined() ? t : otherwise).data<T>(); };
  const auto f = op.f;
  if constexpr (requires { op.dx; }) {
    const T *dy = op.dy.template data<T>(), *x = read(op.x, op.dy), *y = read(op.y, op.dy);
    T* dx = op.dx.template mutable_data<T>();
    loop(op.dy.numel(), [=](int64_t i) { dx[i] = f.gradient(dy[i], x[i], y[i]); });
  } else if constexpr (requires { op.da; }) {
    const T *dy = op.dy.template data<T>(), *a = read(op.a, op.dy), *b = read(op.b, op.dy);
    if (op.da.defined()) {
      T* da = op.da.template mutable_data<T>();
      loop(op.dy.numel(), [=](int64_t i) { da[i] = f.gradient_a(dy[i], a[i], b[i]); });
    }
    if (op.db.defined()) {
      T* db = op.db.template mutable_data<T>();
      loop(op.dy.numel(), [=](int64_t i) { db[i] = f.gradient_b(dy[i], a[i], b[i]); });
    }
  } else if constexpr (requires { op.a; }) {
    const T *a = op.a.template data<T>(), *b = op.b.template data<T>();
    T* y = op.y.template mutable_data<T>();
    loop(op.a.numel(), [=](int64_t i) { y[i] = f(a[i], b[i]); });
  } else {
    const T* x = op.x.template data<T>();
    T* y = op.y.template mutable_data<T>();
    loop(op.x.numel(), [=](int64_t i) { y[i] = f(x[i]); });
  }
}

template <class Op>
concept Elementwise = requires(const Op& op) {
  op.f;
};

}  // namespace detail

template <detail::Elementwise Op>
void kernel(Reference, const Op& op) {
  const int64_t whole = op.dispatch().numel();
  visit_arithmetic(op.dispatch().dtype(), [&](auto type) { detail::each_element<decltype(type)>(op, whole); });
}

template <detail::Elementwise Op>
void kernel(Cpu, const Op& op) {
  detail::each_element<float>(op, detail::elementwise_grain);
}

// Defined in tensor/cuda/elementwise.cu for every function of functions.h.
template <detail::Elementwise Op>
void kernel(Cuda, const Op& op);

template <class F>
Tensor unary(const Tensor& x, F f = {}) {
  Unary<F> op{x, Tensor::empty_like(x), f};
  run(op);
  return op.y;
}

/// Throws Error, with both shapes and types, when they differ.
template <class F>
Tensor binary(const Tensor& a, const Tensor& b, F f = {}) {
  require(a.shape() == b.shape(), "{}: shapes {} and {} differ", F::name, a, b);
  require(a.dtype() == b.dtype(), "{}: types of {} and {} differ", F::name, a, b);
  Binary<F> op{a, b, Tensor::empty_like(a), f};
  run(op);
  return op.y;
}

}  // namespace minissl::ops
