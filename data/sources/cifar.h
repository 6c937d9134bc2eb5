#pragma once
#include <memory>

#include "data/dataset.h"
#include "data/sources/parts.h"

namespace minissl {

/// CIFAR-10 and CIFAR-100 as published in their binary version (Krizhevsky 2009,
/// https://www.cs.toronto.edu/~kriz/cifar.html): records of one label (CIFAR-100: a coarse one and a fine one, of which
/// the fine one counts) and 3 x 32 x 32 bytes, plane by plane. The path is the folder, whose parts are `train` and
/// `test`, or one .bin file of it.

/// Whether a folder or file is one of theirs, by the names of its files.
bool is_cifar(const std::filesystem::path& path);

/// Throws Error if a file is missing, is no whole number of records, or has a label without a name.
std::unique_ptr<Dataset> open_cifar(const DataPath& path, int channels);

}  // namespace minissl
