#pragma once
#include <span>

#include "tensor/host_device.h"
#include "tensor/tensor.h"

/// How a flat arena is divided into parameters, so that one pass over it can treat each of them by its own rule.
namespace minissl {

/// A run of elements of one parameter, small enough for a block of a GPU's threads and for a CPU's cache.
struct Piece {
  static constexpr int64_t most = 4096;  ///< elements

  int64_t begin;        ///< its first element in the arena
  int32_t size;         ///< elements
  int32_t parameter;    ///< its number, from 0: its row of a table of rules (tensor/rules.h)
  int32_t first, last;  ///< the pieces [first, last) are of the same parameter

  MINISSL_HD int64_t end() const { return begin + size; }
};

struct ParameterRange {
  int64_t begin, end;  ///< elements of the arena
};

/// The pieces of these parameters, in order, as updates take them: i64 (pieces, 3), the bytes of Piece.
Tensor make_pieces(std::span<const ParameterRange> parameters, Device device = {});
/// A whole tensor as one parameter.
Tensor one_parameter(const Tensor& values);

/// As kernels see them.
inline const Piece* pieces_in(const Tensor& pieces, DeviceType reader) {
  return reinterpret_cast<const Piece*>(pieces.data<int64_t>(reader));
}

}  // namespace minissl
