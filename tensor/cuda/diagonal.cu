#include "tensor/cuda/reduce.h"
#include "tensor/ops/diagonal.h"

namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const DiagonalDistance& op) {
  const T* c = data<T>(op.c);
  T *on = mutable_data<T>(op.on), *off = mutable_data<T>(op.off);
  reduce<2>(
      op, op.c.numel(),
      [=, d = op.c.dim(0), target = op.target] __device__(int64_t i) {
        const double value = static_cast<double>(at(c, i)), miss = value - target;
        const bool diagonal = i / d == i % d;
        return Sums<double, 2>{{diagonal ? miss * miss : 0.0, diagonal ? 0.0 : value * value}};
      },
      [=] __device__(const Sums<double, 2>& sums) {
        on[0] = static_cast<T>(static_cast<Arithmetic<T>>(sums.of[0]));
        off[0] = static_cast<T>(static_cast<Arithmetic<T>>(sums.of[1]));
      });
}

template <class T>
void compute(const DiagonalDistanceGradient& op) {
  using A = Arithmetic<T>;
  const T *dloss = data<T>(op.dloss), *c = data<T>(op.c);
  T* dc = mutable_data<T>(op.dc);
  const A on = static_cast<A>(2 * op.on_weight), off = static_cast<A>(2 * op.off_weight);
  const A target = static_cast<A>(op.target);
  each(op, op.c.numel(), [=, d = op.c.dim(0)] __device__(int64_t i) {
    const A weighted = i / d == i % d ? on * (at(c, i) - target) : off * at(c, i);
    dc[i] = static_cast<T>(at(dloss, 0) * weighted);
  });
}

template <class T>
void compute(const FillDiagonal& op) {
  const T *x = data<T>(op.x), value = static_cast<T>(static_cast<Arithmetic<T>>(op.value));
  T* y = mutable_data<T>(op.y);
  each(op, op.x.numel(), [=, d = op.x.dim(0)] __device__(int64_t i) { y[i] = i / d == i % d ? value : x[i]; });
}

template <class Op>
void by_type(const Op& op) {
  visit_floating(op.dispatch().dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace

void kernel(Cuda, const DiagonalDistance& op) { by_type(op); }
void kernel(Cuda, const DiagonalDistanceGradient& op) { by_type(op); }
void kernel(Cuda, const FillDiagonal& op) { by_type(op); }

}  // namespace minissl::ops
