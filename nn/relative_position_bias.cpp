#include "nn/relative_position_bias.h"

#include "autograd/functions.h"
#include "nn/parameters.h"

namespace minissl {
namespace {

Tensor relative_positions(int64_t grid) {
  const int64_t tokens = 1 + grid * grid, side = 2 * grid - 1;
  const int64_t class_to_patch = side * side, patch_to_class = class_to_patch + 1, class_to_class = class_to_patch + 2;
  const auto row_of = [&](int64_t query, int64_t key) {
    if (query == 0) return key == 0 ? class_to_class : class_to_patch;
    if (key == 0) return patch_to_class;
    const int64_t dy = (query - 1) / grid - (key - 1) / grid, dx = (query - 1) % grid - (key - 1) % grid;
    return (dy + grid - 1) * side + dx + grid - 1;
  };
  Tensor index = Tensor::empty({tokens, tokens}, DType::i64);
  for (int64_t i = 0; index.storage()->real() && i < index.numel(); ++i)
    index.mutable_data<int64_t>()[i] = row_of(i / tokens, i % tokens);
  return index;
}

}  // namespace

RelativePositionBias::RelativePositionBias(int64_t grid, int64_t heads)
    : table_(parameter({(2 * grid - 1) * (2 * grid - 1) + 3, heads})),
      index_(relative_positions(grid).to(DeviceScope::current())) {
  add_parameter("relative_position_bias_table", table_);
  add_buffer("relative_position_index", index_);
}

Variable RelativePositionBias::forward() const {
  const int64_t tokens = index_.dim(0);
  const Variable by_pair = gather_rows(table_, index_.view({index_.numel()}));  // (tokens^2, heads)
  return view(transpose(by_pair), {table_.shape()[1], tokens, tokens});
}

void RelativePositionBias::initialize_own(uint64_t, const std::string&) { table_.value().fill(0); }

}  // namespace minissl
