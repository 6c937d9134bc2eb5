#include "ssl/views.h"

#include <numeric>

#include "tensor/random.h"

namespace minissl {

Tensor draw_shuffle(int64_t count, uint64_t seed, int64_t batch, uint32_t end) {
  const Tensor order = Tensor::empty({count}, DType::i64);
  auto* rows = order.mutable_data<int64_t>();
  std::iota(rows, rows + count, 0);
  const Random random(seed, RandomSite::batch_shuffle, static_cast<uint32_t>(batch), 0, end);
  shuffle(std::span(rows, static_cast<size_t>(count)), random);
  return order;
}

}  // namespace minissl
