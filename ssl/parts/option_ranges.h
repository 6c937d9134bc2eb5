#pragma once
#include "tensor/range.h"

/// The values of options that many methods have.
namespace minissl {

inline constexpr Range width_range{1, 1 << 20};  ///< of a projector's layers
inline constexpr Range temperature_range = Range::above(0);

}  // namespace minissl
