#pragma once
#include <string>

#include "tensor/profile.h"

namespace minissl {

/// A table of what `steps` training steps spent their time on, as means of a step: by operation, then the `rows` most
/// expensive ones by their tensors' shapes. `seconds` is what the steps took in all; what no operation accounts for
/// is the table's last row.
std::string profile_table(const std::vector<Profile::Event>& events, double seconds, int steps, int rows = 20);

}  // namespace minissl
