#pragma once
#include <memory>

#include "data/dataset.h"
#include "data/sources/parts.h"

namespace minissl {

/// MedMNIST's files as published (Yang et al. 2023, https://medmnist.com): a .npz with train_images, val_images and
/// test_images, u8 (N, H, W) or (N, H, W, 3), and train_labels, ...: (N, 1) with the number of a class, or (N, L) with
/// 0 or 1 for each of L labels. Their arrays are the parts `train`, `val` and `test`. The arrays of a part are unpacked
/// once.

/// Whether a file is a .npz, by its name.
bool is_npz(const std::filesystem::path& path);

/// Throws Error for files that are damaged or cut short, and for arrays of other shapes or types.
std::unique_ptr<Dataset> open_npz(const DataPath& path, int channels);

}  // namespace minissl
