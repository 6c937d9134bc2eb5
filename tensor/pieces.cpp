#include "tensor/pieces.h"

#include <algorithm>
#include <vector>

namespace minissl {
namespace {

constexpr int64_t fields = sizeof(Piece) / sizeof(int64_t);

}  // namespace

Tensor make_pieces(std::span<const ParameterRange> parameters, Device device) {
  std::vector<int64_t> table;
  int64_t parameter = 0;
  for (const ParameterRange& p : parameters) {
    const int64_t first = static_cast<int64_t>(table.size()) / fields;
    const int64_t last = first + (p.end - p.begin + Piece::most - 1) / Piece::most;
    for (int64_t begin = p.begin; begin < p.end; begin += Piece::most)
      table.insert(table.end(), {begin, std::min(begin + Piece::most, p.end), first, last, parameter});
    ++parameter;
  }
  const Tensor pieces = Tensor::empty({static_cast<int64_t>(table.size()) / fields, fields}, DType::i64);
  if (pieces.storage()->real()) std::copy(table.begin(), table.end(), pieces.mutable_data<int64_t>());
  return pieces.to(device);
}

Tensor one_parameter(const Tensor& values) {
  const ParameterRange all[] = {{0, values.numel()}};
  return make_pieces(all, values.device());
}

}  // namespace minissl
