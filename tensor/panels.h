#pragma once
#include <cstdint>

#include "tensor/simd/kernels.h"

namespace minissl {

/// A row-major matrix whose rows are `stride` floats apart.
struct Factor {
  const float* data;
  int64_t stride;
};

/// How the factors of a product c = a b are packed, so that a block of b stays in the caches while it is multiplied by
/// many rows of a; internal. Columns of b are in panels as wide as the registers. Numbers stay float32, or are split
/// into parts where the machine multiplies those faster (simd/split_products.h); then rows of a have to be packed as
/// well.
class Panels {
 public:
  static Panels whole() { return Panels(nullptr); }
  /// Of split numbers, where this machine has products of those.
  static Panels split_if_faster() { return Panels(simd::kernels().split); }

  bool split() const { return split_ != nullptr; }
  /// Columns of a panel.
  int64_t width() const { return split() ? simd::SplitProducts::group : simd::kernels().panel(); }
  /// Columns of a product are a multiple of this.
  int64_t vector() const { return split() ? simd::SplitProducts::width : simd::kernels().width; }
  /// Rows that registers hold: products are fastest with a multiple of it. Split rows are packed in groups of so many.
  int64_t rows() const { return split() ? simd::SplitProducts::group : simd::kernels().max_rows; }
  /// Floats of a packed line, a row of a or a column of b, of `depth` terms: its share of a panel, or a group of rows.
  int64_t floats(int64_t depth) const { return split() ? simd::SplitProducts::floats_of_line(depth) : depth; }

  /// Rows of a for a product: in place, or packed.
  struct Rows {
    const float* data;
    int64_t stride;
    bool packed;
  };
  /// Columns of b for a product, in panels: packed, or in place, `row_stride` then being b's.
  struct Columns {
    const float* data;
    int64_t panel_stride, row_stride;
  };

  bool packs_rows(bool transposed) const { return split() || transposed; }
  /// Rows of a, or of a transposed, packed into `to` where they have to be: floats(depth) times rows, those rounded up
  /// to rows().
  Rows pack_rows(Factor a, bool transposed, int64_t rows, int64_t depth, float* to) const;
  /// Columns of b, or of b transposed, packed into panels `panel_stride` floats apart.
  Columns pack(Factor b, bool transposed, int64_t depth, int64_t columns, float* to, int64_t panel_stride) const;
  /// c = a b + addend, which may be c itself, with as many terms as were packed.
  void multiply(int64_t rows, int64_t columns, int64_t depth, const Rows& a, const Columns& b, float* c,
                int64_t c_stride, simd::Addend addend) const;

 private:
  explicit Panels(const simd::SplitProducts* split) : split_(split) {}
  const simd::SplitProducts* split_;
};

}  // namespace minissl
