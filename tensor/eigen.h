#pragma once
#include <Eigen/Dense>

#include "tensor/tensor.h"

/// Tensors seen as Eigen's row-major matrices. For kernels and metrics; not part of the public interface.
namespace minissl {

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using MatrixMap = Eigen::Map<Matrix<T>>;
template <class T>
using ConstMatrixMap = Eigen::Map<const Matrix<T>>;

template <class T>
ConstMatrixMap<T> matrix(const Tensor& t, int64_t rows, int64_t columns) {
  return ConstMatrixMap<T>(t.data<T>(), rows, columns);
}
template <class T>
MatrixMap<T> mutable_matrix(const Tensor& t, int64_t rows, int64_t columns) {
  return MatrixMap<T>(t.mutable_data<T>(), rows, columns);
}

/// (..., D) as the matrix (rows, D).
template <class T>
ConstMatrixMap<T> rows_of(const Tensor& t) {
  return matrix<T>(t, t.shape().leading(1), t.dim(-1));
}
template <class T>
MatrixMap<T> mutable_rows_of(const Tensor& t) {
  return mutable_matrix<T>(t, t.shape().leading(1), t.dim(-1));
}

/// All elements as one row.
template <class T>
ConstMatrixMap<T> row_of(const Tensor& t) {
  return matrix<T>(t, 1, t.numel());
}
template <class T>
MatrixMap<T> mutable_row_of(const Tensor& t) {
  return mutable_matrix<T>(t, 1, t.numel());
}

}  // namespace minissl
