#pragma once
#include <memory>
#include <string>

#include "data/dataset.h"

namespace minissl {

/// What a flag for data may name, for --help.
inline constexpr const char* data_help =
    "a folder of images, a tar or zip of them, a pack, CIFAR, IDX or MedMNIST files, or synth:N; several: A,B";

/// open_dataset(), and on standard error what people should know about how it was opened and what was found there and
/// is not used. Throws Error for data without images.
std::unique_ptr<Dataset> open_data(const std::string& spec, int64_t channels, uint64_t seed, int max_value = 0);

/// The lines on how a data set was opened.
void say_remarks(const Dataset& dataset);

}  // namespace minissl
