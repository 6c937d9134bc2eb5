#pragma once
#include <memory>
#include <string>

#include "data/dataset.h"

namespace minissl {

/// open_dataset(), and a line on standard error about what was found there and is not used. Throws Error for data
/// without images.
std::unique_ptr<Dataset> open_data(const std::string& spec, int64_t channels, uint64_t seed, int max_value = 0);

}  // namespace minissl
