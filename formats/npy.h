#pragma once
#include <filesystem>

#include "tensor/tensor.h"

/// NumPy's array files (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
namespace minissl {

/// Writes a tensor (f32, f64, i64 or u8, on the CPU) as .npy version 1.0 in C order; the file appears whole or not at
/// all. Throws Error for other element types and if writing fails.
void save_npy(const std::filesystem::path& path, const Tensor& tensor);

/// Reads a .npy file of any version, with little-endian float32, float64, int64 or uint8 in C order, to the CPU.
/// Throws Error with the path and the reason for everything else.
Tensor load_npy(const std::filesystem::path& path);

}  // namespace minissl
