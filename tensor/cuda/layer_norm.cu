#include "tensor/cuda/reduce.h"
#include "tensor/ops/layer_norm.h"

// A block for each row; the gradients of weight and bias are sums over the columns.
namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const LayerNorm& op) {
  using A = Arithmetic<T>;
  const T* x = data<T>(op.x);
  const A *weight = data<A>(op.weight), *bias = data<A>(op.bias);
  T* y = mutable_data<T>(op.y);
  A *means = mutable_data<A>(op.mean), *rstds = mutable_data<A>(op.rstd);
  each_block(op, op.x.shape().leading(1), 1, [=, width = op.x.dim(-1), eps = op.eps] __device__(int64_t n, int64_t) {
    const T* row = x + n * width;
    const A mean = block_sum<A>(width, [=](int64_t d) { return at(row, d); }) / static_cast<A>(width);
    const A squares = block_sum<A>(width, [=](int64_t d) { return (at(row, d) - mean) * (at(row, d) - mean); });
    const A rstd = A(1) / std::sqrt(squares / static_cast<A>(width) + static_cast<A>(eps));
    for (int64_t d = threadIdx.x; d < width; d += block_threads)
      y[n * width + d] = static_cast<T>(weight[d] * ((at(row, d) - mean) * rstd) + bias[d]);
    if (threadIdx.x > 0) return;
    if (means) means[n] = mean;
    if (rstds) rstds[n] = rstd;
  });
}

template <class T>
void compute_parameters(const LayerNormGradient& op) {
  using A = Arithmetic<T>;
  const T *dy = data<T>(op.dy), *x = data<T>(op.x);
  const A *mean = data<A>(op.mean), *rstd = data<A>(op.rstd);
  A *dweight = mutable_data<A>(op.dweight), *dbias = mutable_data<A>(op.dbias);
  const int64_t width = op.x.dim(-1);
  reduce_columns<A, 2>(
      op, op.x.shape().leading(1), width,
      [=] __device__(int64_t n, int64_t d) {
        const A g = at(dy, n * width + d);
        return Sums<A, 2>{{g * ((at(x, n * width + d) - mean[n]) * rstd[n]), g}};
      },
      [=] __device__(int64_t d, const Sums<double, 2>& sums) {
        dweight[d] = static_cast<A>(sums.of[0]);
        dbias[d] = static_cast<A>(sums.of[1]);
      });
}

template <class T>
void compute_input(const LayerNormGradient& op) {
  using A = Arithmetic<T>;
  const T *dy = data<T>(op.dy), *x = data<T>(op.x);
  const A *weight = data<A>(op.weight), *mean = data<A>(op.mean), *rstd = data<A>(op.rstd);
  T* dx = mutable_data<T>(op.dx);
  each_block(op, op.x.shape().leading(1), 1, [=, width = op.x.dim(-1)] __device__(int64_t n, int64_t) {
    const A m = mean[n], r = rstd[n];
    const auto g = [=](int64_t d) { return weight[d] * at(dy, n * width + d); };
    const auto h = [=](int64_t d) { return (at(x, n * width + d) - m) * r; };
    const auto means = block_sum<Sums<A, 2>>(width, [=](int64_t d) { return Sums<A, 2>{{g(d), g(d) * h(d)}}; });
    const A g_mean = means.of[0] / static_cast<A>(width), gh_mean = means.of[1] / static_cast<A>(width);
    for (int64_t d = threadIdx.x; d < width; d += block_threads)
      dx[n * width + d] = static_cast<T>(r * (g(d) - g_mean - h(d) * gh_mean));
  });
}

}  // namespace

void kernel(Cuda, const LayerNorm& op) {
  visit_floating(op.x.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const LayerNormGradient& op) {
  visit_floating(op.dy.dtype(), [&](auto type) {
    if (op.dweight.defined()) compute_parameters<decltype(type)>(op);
    if (op.dx.defined()) compute_input<decltype(type)>(op);  // last, because it may overwrite dy
  });
}

}  // namespace minissl::ops
