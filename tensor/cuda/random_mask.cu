#include "tensor/cuda/launch.h"
#include "tensor/ops/random_mask.h"

namespace minissl::ops {
namespace {

template <class T>
void compute(const RandomMask& op) {
  const T* noise = cuda::data<T>(op.noise);
  const RandomMaskPlaces places{op.noise.dim(1), op.kept.dim(1), cuda::mutable_data<int64_t>(op.kept),
                                cuda::mutable_data<int64_t>(op.hidden), cuda::mutable_data<int64_t>(op.places)};
  cuda::each(op, op.noise.numel(), [=] __device__(int64_t at) {
    const int64_t n = at / places.count, i = at % places.count;
    places.write(n, i, rank_in_row(noise + n * places.count, places.count, i));
  });
}

}  // namespace

void kernel(Cuda, const RandomMask& op) {
  if (op.noise.dtype() == DType::f64) return compute<double>(op);
  compute<float>(op);
}

}  // namespace minissl::ops
