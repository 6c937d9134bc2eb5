#pragma once
#include <vector>

#include "tensor/tensor.h"

namespace minissl {

/// Some rows of features, in a new tensor.
inline Tensor gather_rows(const Tensor& features, const std::vector<int64_t>& rows) {
  Tensor out = Tensor::empty({static_cast<int64_t>(rows.size()), features.dim(1)}, features.dtype());
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto to = static_cast<int64_t>(i);
    out.rows(to, to + 1).copy_from(features.rows(rows[i], rows[i] + 1));
  }
  return out;
}

}  // namespace minissl
