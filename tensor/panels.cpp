#include "tensor/panels.h"

#include <algorithm>

namespace minissl {
namespace {

// The rows of a large matrix are far apart in memory, and the part of a row that a panel takes is too short for the
// processor to prefetch it by itself.
constexpr int64_t rows_ahead = 6;
void prefetch(const float* from, int64_t count) {
  for (int64_t i = 0; i < count; i += 16) __builtin_prefetch(from + i);
}

// Columns beyond the last are 0.
void pack_whole(const Factor& b, bool transposed, int64_t depth, int64_t columns, int64_t panel, float* to,
                int64_t panel_stride) {
  const simd::Kernels& simd = simd::kernels();
  if (!transposed) {
    const int64_t panels = columns / panel, rest = columns % panel;
    for (int64_t d = 0; d < depth; ++d) {
      const float* from = b.data + d * b.stride;
      prefetch(from + rows_ahead * b.stride, columns);
      float* row = to + d * panel;
      for (int64_t p = 0; p < panels; ++p, from += panel, row += panel_stride) std::copy_n(from, panel, row);
      if (rest > 0) std::fill(std::copy_n(from, rest, row), row + panel, 0.0f);
    }
    return;
  }
  const int64_t w = simd.width, whole = depth / w * w;
  for (int64_t column = 0; column < columns; column += panel, to += panel_stride)
    for (int64_t c = 0; c < panel; c += w) {
      const float* from = b.data + (column + c) * b.stride;
      const int64_t count = std::clamp<int64_t>(columns - column - c, 0, w);
      int64_t d = 0;
      if (count == w)
        for (; d < whole; d += w) simd.transpose(from + d, b.stride, to + d * panel + c, panel);
      for (; d < depth; ++d)
        for (int64_t i = 0; i < w; ++i) to[d * panel + c + i] = i < count ? from[i * b.stride + d] : 0.0f;
    }
}

}  // namespace

Panels::Rows Panels::pack_rows(Factor a, bool transposed, int64_t rows, int64_t depth, float* to) const {
  if (!packs_rows(transposed)) return {a.data, a.stride, false};
  if (split())
    split_->pack_a(rows, depth, a.data, transposed ? 1 : a.stride, transposed ? a.stride : 1, to);
  else
    simd::kernels().pack_transposed(rows, depth, a.data, a.stride, to);
  return {to, 0, true};
}

Panels::Columns Panels::pack(Factor b, bool transposed, int64_t depth, int64_t columns, float* to,
                             int64_t panel_stride) const {
  if (!split()) {
    pack_whole(b, transposed, depth, columns, width(), to, panel_stride);
    return {to, panel_stride, width()};
  }
  const int64_t column_stride = transposed ? b.stride : 1, depth_stride = transposed ? 1 : b.stride;
  for (int64_t column = 0; column < columns; column += width())
    split_->pack_b(std::min(width(), columns - column), depth, b.data + column * column_stride, column_stride,
                   depth_stride, to + column / width() * panel_stride);
  return {to, panel_stride, 0};
}

void Panels::multiply(int64_t rows, int64_t columns, int64_t depth, const Rows& a, const Columns& b, float* c,
                      int64_t c_stride, simd::Addend addend) const {
  if (split()) return split_->multiply(rows, columns, depth, a.data, b.data, b.panel_stride, c, c_stride, addend);
  const simd::Multiply multiply = a.packed ? simd::kernels().multiply_packed : simd::kernels().multiply;
  const float* panel = b.data;
  for (int64_t column = 0; column < columns; column += width(), panel += b.panel_stride)
    multiply(rows, std::min(width(), columns - column), depth, a.data, a.stride, panel, b.row_stride, c + column,
             c_stride, {addend.data ? addend.data + column : nullptr, addend.stride});
}

}  // namespace minissl
