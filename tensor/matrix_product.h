#pragma once
#include <cstdint>

#include "tensor/finish.h"
#include "tensor/panels.h"
#include "tensor/parallel.h"

namespace minissl {

/// c (m, n) = op(a) op(b), sums of k products, where op(a) is (m, k) and op(b) (k, n): the matrix as it is, or
/// transposed.
struct ProductShape {
  int64_t m, n, k;
  bool transpose_a = false, transpose_b = false;
};

/// A matrix product on plain float32 pointers; internal.
///
/// Threads compute tiles of c, as in Goto and van de Geijn 2008. b is packed into panels as wide as the registers, so
/// that a block of a panel stays in the first-level cache while it is multiplied by all rows of a tile. Small products
/// with long sums are split along k, depending on the shape alone, and the parts are added in order. So the result has
/// the same bits on any number of threads.
class MatrixProduct {
 public:
  /// By all threads.
  explicit MatrixProduct(const ProductShape& shape) : MatrixProduct(shape, threads(), true) {}
  /// By the calling thread, with sums in the order of k.
  static MatrixProduct alone(const ProductShape& shape) { return {shape, 1, false}; }

  /// Floats of memory that run() needs.
  int64_t floats() const { return packed_floats() + slots_ * floats_of_slot() + (pieces_ - 1) * m_ * n_; }
  /// c = a b + addend, which may be c itself; `finish` is applied to the sums. Rows of c are c_stride floats apart;
  /// those of the addend may be one and the same (a stride of 0), for a bias.
  void run(Factor a, Factor b, float* c, int64_t c_stride, simd::Addend addend, float* workspace,
           const Finish& finish = {}) const;
  /// Allocates the workspace itself.
  void run(Factor a, Factor b, float* c, int64_t c_stride, simd::Addend addend = {}, const Finish& finish = {}) const;

 private:
  MatrixProduct(const ProductShape& shape, int64_t threads, bool in_pieces);
  struct Slot;
  struct Result;
  int64_t tasks() const { return row_tiles_ * column_tiles_ * pieces_; }
  int64_t packed_floats() const;
  int64_t floats_of_a() const;
  int64_t floats_of_b() const;
  int64_t floats_of_slot() const;
  int64_t packed_stride() const;
  int64_t packed_place(int64_t k, int64_t column) const;
  void pack_all(const Factor& b, float* packed) const;
  Panels::Columns columns_of_task(const Factor& b, const float* packed, float* buffer, int64_t k, int64_t depth,
                                  int64_t column, int64_t columns) const;
  void run_task(int64_t task, const Factor& a, const Factor& b, const float* packed, const Result& c,
                const Slot& slot) const;
  void place(const float* tile, int64_t row, int64_t rows, int64_t column, int64_t columns, const Result& c) const;
  void finish_rows(int64_t row, int64_t rows, int64_t column, int64_t columns, const Result& c) const;

  Panels panels_;
  bool swapped_;  // c' = b' a' is computed, so that a is packed, which is the smaller
  int64_t m_, n_, k_;
  bool transpose_a_, transpose_b_;
  int64_t block_depth_,
      row_block_;  // terms that are added up at a time; rows that are multiplied by the same part of a panel
  int64_t tile_rows_, tile_columns_, piece_;  // of a task
  int64_t row_tiles_, column_tiles_, pieces_ = 1;
  enum class Packing { none, by_task, before } packing_;  // of b: where it is, or into panels
  int64_t slots_;
};

}  // namespace minissl
