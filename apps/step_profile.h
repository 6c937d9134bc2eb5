#pragma once
#include <string>

#include "tensor/profile.h"

namespace minissl {

/// A table of the mean time that `steps` training steps spent in each operation, then of the `rows` most expensive
/// operations by their tensors' shapes. `seconds` is the total time of the steps; time outside operations is the
/// table's last row.
std::string profile_table(const std::vector<Profile::Event>& events, double seconds, int steps, int rows = 20);

}  // namespace minissl
