#include "ssl/parts/key_queue.h"

#include "tensor/ops/ring.h"
#include "tensor/ops/rows.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

namespace minissl {

KeyQueue::KeyQueue(int64_t size, int64_t dim, uint64_t seed, DType dtype) {
  require(size > 0 && dim > 0, "`queue` and `dim` must be at least 1, not {} and {}", size, dim);
  const TagScope tag(MemoryTag::queue);
  Tensor keys = Tensor::empty({size, dim});
  const Random random(seed, RandomSite::initialization, 0, hash_name("queue"));
  if (keys.storage()->real()) {
    float* to = keys.mutable_data<float>();
    parallel_for(keys.numel(), 4096, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) to[i] = random.normal(static_cast<uint32_t>(i));
    });
  }
  keys_ = ops::normalize(keys).to(dtype).to(DeviceScope::current());
  pointer_ = Tensor::zeros({1}, DType::i64, DeviceScope::current());
  // In files, as in MoCo's PyTorch code, each key is a column.
  add_buffer("queue", keys_, FileLayout::transposed);
  add_buffer("queue_ptr", pointer_);
}

void KeyQueue::push(const Tensor& k) {
  require(size() % k.dim(0) == 0, "`batch` {} does not divide `queue` {}: a key would be cut off at its end", k.dim(0),
          size());
  ops::push_rows(keys_, k, pointer_);
}

}  // namespace minissl
