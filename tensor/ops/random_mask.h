#pragma once
#include "tensor/host_device.h"
#include "tensor/operation.h"

namespace minissl::ops {

/// Random masking (He et al. 2021, MAE, section 3.1): of each image's L patches, the K with the least noise are kept.
/// noise (N, L), any floating type; equal numbers count in their order. All results are i64.
struct RandomMask {
  static constexpr const char* name = "random_mask";
  Tensor noise;
  Tensor kept;    ///< (N, K): the kept patches, in ascending noise
  Tensor hidden;  ///< (N, L - K): the others, likewise
  /// (N, 1 + L): where a class token and the L patches are among the tokens of an encoder that reads the class token
  /// and the kept patches; a hidden patch is beyond its 1 + K tokens.
  Tensor places;
  const Tensor& dispatch() const { return noise; }
};
void kernel(Reference, const RandomMask&);
void kernel(Cuda, const RandomMask&);

/// The rank, from 0, of element i of a row of L numbers: how many come before it. For host and device, which both count
/// instead of sorting: L is a few hundred.
template <class T>
MINISSL_HD int64_t rank_in_row(const T* row, int64_t count, int64_t i) {
  int64_t rank = 0;
  for (int64_t j = 0; j < count; ++j) rank += row[j] < row[i] || (row[j] == row[i] && j < i);
  return rank;
}

/// Writes the results for patch i of image n.
struct RandomMaskPlaces {
  int64_t count, kept_count;
  int64_t *kept, *hidden, *places;

  MINISSL_HD void write(int64_t n, int64_t i, int64_t rank) const {
    if (rank < kept_count)
      kept[n * kept_count + rank] = i;
    else
      hidden[n * (count - kept_count) + rank - kept_count] = i;
    if (i == 0) places[n * (count + 1)] = 0;
    places[n * (count + 1) + 1 + i] = 1 + rank;
  }
};

/// Throws Error unless noise is (N, L) of a floating type and 0 < K <= L.
RandomMask random_mask(const Tensor& noise, int64_t kept);

}  // namespace minissl::ops
