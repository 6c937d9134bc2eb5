#include "tensor/pieces.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace minissl {
namespace {

static_assert(sizeof(Piece) % sizeof(int64_t) == 0);
constexpr int64_t fields = sizeof(Piece) / sizeof(int64_t);

}  // namespace

Tensor make_pieces(std::span<const ParameterRange> parameters, Device device) {
  std::vector<Piece> table;
  int32_t parameter = 0;
  for (const ParameterRange& p : parameters) {
    const auto first = static_cast<int32_t>(table.size());
    const auto last = first + static_cast<int32_t>((p.end - p.begin + Piece::most - 1) / Piece::most);
    for (int64_t begin = p.begin; begin < p.end; begin += Piece::most)
      table.push_back({begin, static_cast<int32_t>(std::min(Piece::most, p.end - begin)), parameter, first, last});
    ++parameter;
  }
  const Tensor pieces = Tensor::empty({static_cast<int64_t>(table.size()), fields}, DType::i64);
  if (pieces.storage()->real()) std::memcpy(pieces.mutable_data<int64_t>(), table.data(), table.size() * sizeof(Piece));
  return pieces.to(device);
}

Tensor one_parameter(const Tensor& values) {
  const ParameterRange all[] = {{0, values.numel()}};
  return make_pieces(all, values.device());
}

}  // namespace minissl
