#pragma once
#include <filesystem>

#include "tensor/atomic_file.h"
#include "tensor/tensor.h"

/// NumPy's array files (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
namespace minissl {

/// Writes a tensor (f32, f64, i64 or u8, on the CPU) as .npy version 1.0 in C order; the file appears whole or not at
/// all. Throws Error for other element types and if writing fails.
void save_npy(const std::filesystem::path& path, const Tensor& tensor);

/// Writes rows (N, D) of f32 as .npy as they come, so that they need not be in memory together. The file appears when
/// it is committed, whole or not at all. Throws Error for other tensors and if writing fails.
class NpyRows {
 public:
  explicit NpyRows(const std::filesystem::path& path) : file_(path) {}
  void append(const Tensor& rows);
  int64_t rows() const { return rows_; }
  /// -1 before the first row.
  int64_t columns() const { return columns_; }
  void commit();

 private:
  AtomicFile file_;
  int64_t rows_ = 0, columns_ = -1;
};

/// Reads a .npy file of any version, with little-endian float32, float64, int64 or uint8 in C order, to the CPU.
/// Throws Error with the path and the reason for everything else.
Tensor load_npy(const std::filesystem::path& path);

}  // namespace minissl
