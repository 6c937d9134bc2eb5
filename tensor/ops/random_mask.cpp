#include "tensor/ops/random_mask.h"

namespace minissl::ops {

void kernel(Reference, const RandomMask& op) {
  const RandomMaskPlaces places{op.noise.dim(1), op.kept.dim(1), op.kept.mutable_data<int64_t>(),
                                op.hidden.mutable_data<int64_t>(), op.places.mutable_data<int64_t>()};
  visit_arithmetic(op.noise.dtype(), [&](auto type) {
    const auto* noise = op.noise.data<decltype(type)>();
    for (int64_t n = 0; n < op.noise.dim(0); ++n)
      for (int64_t i = 0; i < places.count; ++i)
        places.write(n, i, rank_in_row(noise + n * places.count, places.count, i));
  });
}

RandomMask random_mask(const Tensor& noise, int64_t kept) {
  require(noise.rank() == 2 && is_floating(noise.dtype()), "random_mask: the noise is (N, L), not {}", noise);
  const int64_t images = noise.dim(0), patches = noise.dim(1);
  require(kept > 0 && kept <= patches, "random_mask: {} of {} patches can't be kept", kept, patches);
  const auto indices = [&](int64_t count) { return Tensor::empty({images, count}, DType::i64, noise.device()); };
  RandomMask op{noise, indices(kept), indices(patches - kept), indices(1 + patches)};
  run(op);
  return op;
}

}  // namespace minissl::ops
