#pragma once
#include <memory>
#include <string>

#include "data/dataset.h"

namespace minissl {

/// What a flag for data may name, for --help.
inline constexpr const char* data_help =
    "a folder of images, a tar or zip of them, a pack, CIFAR, IDX or MedMNIST files, or synth:N; several: A,B";

/// open_dataset(), which says on standard error what people should know about how the data set was opened.
std::unique_ptr<Dataset> open_data(const std::string& spec, int channels, uint64_t seed, int max_value = 0);

}  // namespace minissl
