#pragma once
#include <span>

#include "tensor/tensor.h"

/// How a flat arena falls into parameters, for updates that don't treat all of them alike in one pass over it.
namespace minissl {

/// A run of elements of one parameter, small enough for a block of a GPU's threads and for a CPU's cache.
struct Piece {
  static constexpr int64_t most = 4096;  ///< elements

  int64_t begin, end;   ///< elements of the arena
  int64_t first, last;  ///< the pieces [first, last) are of the same parameter
  int64_t exempt;       ///< ParameterRange's, 0 or 1
};

struct ParameterRange {
  int64_t begin, end;   ///< elements of the arena
  bool exempt = false;  ///< from weight decay and layer-wise adaptation
};

/// The pieces of these parameters, one after the other, as updates take them: i64 (pieces, 5).
Tensor make_pieces(std::span<const ParameterRange> parameters, Device device = {});
/// A whole tensor as one parameter.
Tensor one_parameter(const Tensor& values);

/// As kernels see them.
inline const Piece* pieces_in(const Tensor& pieces, DeviceType reader) {
  return reinterpret_cast<const Piece*>(pieces.data<int64_t>(reader));
}

}  // namespace minissl
