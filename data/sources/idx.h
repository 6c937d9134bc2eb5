#pragma once
#include <memory>

#include "data/dataset.h"
#include "data/sources/parts.h"

namespace minissl {

/// Images in the IDX format of MNIST (LeCun, Cortes and Burges), FashionMNIST and EMNIST, plain or gzipped: unsigned
/// bytes (N, H, W), and labels (N) in the file beside it whose name says labels-idx1 instead of images-idx3. The path
/// is the file of images, or the folder, whose parts are `train` and `test` (t10k). Classes are the labels that occur.

/// Whether a folder has such files or a file is one.
bool is_idx(const std::filesystem::path& path);

/// Throws Error for files that are damaged or cut short, and if the numbers of labels and images differ. If there is no
/// file of labels, the images have none, and a remark says so.
std::unique_ptr<Dataset> open_idx(const DataPath& path, int channels);

}  // namespace minissl
