#include "ssl/parts/projection_queue.h"

#include <algorithm>

namespace minissl {

ProjectionQueue::ProjectionQueue(int64_t size, int64_t dim, DType dtype) {
  require(size > 0 && dim > 0, "`queue` and `dim` must be at least 1, not {} and {}", size, dim);
  const TagScope tag(MemoryTag::queue);
  queues_ = Tensor::zeros({2, size, dim}, dtype, DeviceScope::current());
  add_buffer("queues", queues_);
}

Tensor ProjectionQueue::of(int64_t crop) const { return queues_.rows(crop, crop + 1).view({size(), queues_.dim(2)}); }

bool ProjectionQueue::full() const {
  const auto taken = [&](int64_t crop) {
    const std::vector<double> oldest = of(crop).rows(size() - 1, size()).to_vector();
    return std::any_of(oldest.begin(), oldest.end(), [](double v) { return v != 0; });
  };
  return taken(0) && taken(1);
}

void ProjectionQueue::push(int64_t crop, const Tensor& z) const {
  const Tensor queue = of(crop);
  const int64_t added = std::min(z.dim(0), size());
  // The two parts overlap, so those that stay move by way of a copy.
  if (added < size()) queue.rows(added, size()).copy_from(queue.rows(0, size() - added).clone());
  queue.rows(0, added).copy_from(z.rows(0, added));
}

}  // namespace minissl
