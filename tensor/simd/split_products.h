#pragma once
#include <cstdint>

#include "tensor/simd/kernels.h"
#include "tensor/simd/transpose.h"
#include "tensor/simd/vector.h"

/// Products of float32 matrices by instructions that multiply tiles of bfloat16 and add up in float32.
///
/// A float32 has 24 significant bits and is the sum of three bfloat16, which have 8 each: x = x0 + x1 + x2. Of the nine
/// products of such parts of a and b, six are added up,
///   a b = a0 b0 + a1 b0 + a0 b1 + a2 b0 + a1 b1 + a0 b2,
/// and the other three are below 2^-25 |a b|. Products of two bfloat16 are exact in float32, so the result is as exact
/// as that of float32 arithmetic (Henry, Tang and Heinecke 2019, "Leveraging the bfloat16 artificial intelligence
/// datatype for higher-precision computations"). It differs in two ways: denormal numbers
/// are taken for 0, and an infinite factor makes the result NaN.
namespace minissl::simd::split {

// A tile: 16 rows of a and 32 columns of its depth, or as many columns and depth of b. In each of its 16 x 16 units of
// 32 bits are two numbers, whose places in the depth are 16 apart.
constexpr int64_t extent = 16, depth = 32, units = extent * extent;
constexpr int64_t parts = 3, tiles_of_group = 2;
// Rows of a, or columns of b, that are packed together, and the units that they take for one depth of a tile.
constexpr int64_t group = extent * tiles_of_group, step = parts * tiles_of_group * units;

// The upper half of each element is a number's bfloat16, the lower half 0.
template <int W>
using Bits = typename VectorOf<W>::bits;

// A unit's two numbers in their three parts, each rounded to nearest; the last is exact as it is.
template <int W>
inline void split_numbers(Vector<W> first, Vector<W> second, Bits<W> (&to)[parts]) {
  constexpr uint32_t upper = 0xffff0000, half = 0x8000;
  // Rounding could carry another NaN over into the sign, and make it 0.
  first = first == first ? first : Vector<W>{} + __builtin_nanf("");
  second = second == second ? second : Vector<W>{} + __builtin_nanf("");
#pragma GCC unroll 3
  for (int64_t p = 0; p < parts; ++p) {
    auto a = reinterpret_cast<Bits<W>>(first), b = reinterpret_cast<Bits<W>>(second);
    if (p + 1 < parts) {
      a = (a + half) & upper;
      b = (b + half) & upper;
      first -= reinterpret_cast<Vector<W>>(a);
      second -= reinterpret_cast<Vector<W>>(b);
    }
    to[p] = a >> 16 | (b & upper);
  }
}

// Packs one tile of `to`: unit (i, j) is of line i, a row of a or a column of b, and of depths j and j + 16. Elements
// of a line are contiguous in `from`, or else those of a depth.
template <int W>
inline void pack_tile(const float* from, int64_t line_stride, int64_t depth_stride, bool line_by_line, float* to) {
  float scratch[parts][units];
  const bool contiguous_lines = depth_stride == 1, transposed = contiguous_lines != line_by_line;
  const int64_t row_stride = contiguous_lines ? line_stride : depth_stride;
  const int64_t to_second = extent * depth_stride;
  for (int64_t row = 0; row < extent; ++row)
    for (int64_t i = 0; i < extent; i += W) {
      const float* at = from + row * row_stride + i;
      Bits<W> bits[parts];
      split_numbers<W>(load<W>(at), load<W>(at + to_second), bits);
#pragma GCC unroll 3
      for (int64_t p = 0; p < parts; ++p)
        store<W>((transposed ? scratch[p] : to + p * tiles_of_group * units) + row * extent + i,
                 reinterpret_cast<Vector<W>>(bits[p]));
    }
  if (!transposed) return;
  for (int64_t p = 0; p < parts; ++p)
    for (int64_t row = 0; row < extent; row += W)
      for (int64_t i = 0; i < extent; i += W)
        transpose<W>(scratch[p] + row * extent + i, extent, to + p * tiles_of_group * units + i * extent + row, extent);
}

// As pack_tile, of fewer lines or less depth; the others are 0.
template <int W>
inline void pack_part(int64_t lines, int64_t depths, const float* from, int64_t line_stride, int64_t depth_stride,
                      bool line_by_line, float* to) {
  float whole[extent * depth] = {};
  const bool contiguous_lines = depth_stride == 1;
  const int64_t to_line = contiguous_lines ? depth : 1, to_depth = contiguous_lines ? 1 : extent;
  for (int64_t i = 0; i < lines; ++i)
    for (int64_t d = 0; d < depths; ++d) whole[i * to_line + d * to_depth] = from[i * line_stride + d * depth_stride];
  pack_tile<W>(whole, to_line, to_depth, line_by_line, to);
}

// Groups of lines one after another, each with its steps of depth, each with its parts, each with its two tiles.
template <int W, bool line_by_line>
void pack(int64_t lines, int64_t depths, const float* from, int64_t line_stride, int64_t depth_stride, float* to) {
  for (int64_t first = 0; first < lines; first += group)
    for (int64_t d = 0; d < depths; d += depth, to += step)
      for (int64_t tile = 0; tile < tiles_of_group; ++tile) {
        const int64_t line = first + tile * extent;
        const float* at = from + line * line_stride + d * depth_stride;
        if (line + extent <= lines && d + depth <= depths)
          pack_tile<W>(at, line_stride, depth_stride, line_by_line, to + tile * units);
        else if (line < lines)
          pack_part<W>(lines - line < extent ? lines - line : extent, depths - d < depth ? depths - d : depth, at,
                       line_stride, depth_stride, line_by_line, to + tile * units);
      }
}

// The sums of a group of rows and of columns are in registers 0 to 3, tiles of a in 4 and 5, of b in 6 and 7. Every
// product but the first shares a factor with the one before, and the largest come last, when the sum is complete.
template <class Registers, bool two_rows, bool two_columns>
void multiply_group(Registers& registers, int64_t steps, const float* a, const float* b) {
  const auto load_a = [&](int64_t part) __attribute__((always_inline)) {
    registers.template load<4>(a + part * tiles_of_group * units, extent);
    if constexpr (two_rows) registers.template load<5>(a + part * tiles_of_group * units + units, extent);
  };
  const auto load_b = [&](int64_t part) __attribute__((always_inline)) {
    registers.template load<6>(b + part * tiles_of_group * units, extent);
    if constexpr (two_columns) registers.template load<7>(b + part * tiles_of_group * units + units, extent);
  };
  const auto add_product = [&]() __attribute__((always_inline)) {
    registers.template add_product<0, 4, 6>();
    if constexpr (two_columns) registers.template add_product<1, 4, 7>();
    if constexpr (two_rows) registers.template add_product<2, 5, 6>();
    if constexpr (two_rows && two_columns) registers.template add_product<3, 5, 7>();
  };
  for (int64_t s = 0; s < steps; ++s, a += step, b += step) {
    load_a(0), load_b(2), add_product();
    load_b(1), add_product();
    load_a(1), add_product();
    load_b(0), add_product();
    load_a(2), add_product();
    load_a(0), add_product();
  }
}

template <class Registers, bool two_rows, bool two_columns>
void multiply_block(Registers& registers, int64_t steps, const float* a, const float* b, float* c, int64_t c_stride,
                    Addend addend) {
  if (addend.data) {
    registers.template load<0>(addend.data, addend.stride);
    if constexpr (two_columns) registers.template load<1>(addend.data + extent, addend.stride);
    if constexpr (two_rows) registers.template load<2>(addend.data + extent * addend.stride, addend.stride);
    if constexpr (two_rows && two_columns)
      registers.template load<3>(addend.data + extent * addend.stride + extent, addend.stride);
  } else {
    registers.zero();
  }
  multiply_group<Registers, two_rows, two_columns>(registers, steps, a, b);
  registers.template store<0>(c, c_stride);
  if constexpr (two_columns) registers.template store<1>(c + extent, c_stride);
  if constexpr (two_rows) registers.template store<2>(c + extent * c_stride, c_stride);
  if constexpr (two_rows && two_columns) registers.template store<3>(c + extent * c_stride + extent, c_stride);
}

// Copies some rows of `columns` floats.
inline void copy_rows(int64_t rows, int64_t columns, const float* from, int64_t from_stride, float* to,
                      int64_t to_stride) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < columns; ++i) to[r * to_stride + i] = from[r * from_stride + i];
}

// Multiplies all rows by one group of columns, at most `group` of them.
template <class Registers>
void multiply_columns(Registers& registers, int64_t rows, int64_t columns, int64_t steps, const float* a,
                      const float* b, float* c, int64_t c_stride, Addend addend) {
  const bool two_columns = columns > extent;
  float scratch[group * group];
  for (; rows > 0; rows -= group) {
    const int64_t count = rows < group ? rows : group;
    // Registers are read and written whole.
    const bool whole = count % extent == 0;
    Addend added = addend;
    if (!whole && addend.data) {
      copy_rows(count, columns, addend.data, addend.stride, scratch, group);
      added = {scratch, group};
    }
    float* const to = whole ? c : scratch;
    const int64_t to_stride = whole ? c_stride : group;
    if (count > extent)
      (two_columns ? multiply_block<Registers, true, true>
                   : multiply_block<Registers, true, false>)(registers, steps, a, b, to, to_stride, added);
    else
      (two_columns ? multiply_block<Registers, false, true>
                   : multiply_block<Registers, false, false>)(registers, steps, a, b, to, to_stride, added);
    if (!whole) copy_rows(count, columns, scratch, group, c, c_stride);
    a += steps * step;
    c += group * c_stride;
    if (addend.data) addend.data += group * addend.stride;
  }
}

template <class Registers>
void multiply(int64_t rows, int64_t columns, int64_t depths, const float* a, const float* b, int64_t b_stride, float* c,
              int64_t c_stride, Addend addend) {
  Registers registers;
  const int64_t steps = (depths + depth - 1) / depth;
  for (int64_t column = 0; column < columns; column += group, b += b_stride) {
    const int64_t width = columns - column < group ? columns - column : group;
    multiply_columns(registers, rows, width, steps, a, b, c + column, c_stride,
                     {addend.data ? addend.data + column : nullptr, addend.stride});
  }
}

template <int W, class Registers>
constexpr SplitProducts products() {
  static_assert(group == SplitProducts::group && extent == SplitProducts::width);
  static_assert(group * SplitProducts::floats_of_line(depth) == step);
  return {pack<W, true>, pack<W, false>, multiply<Registers>};
}

}  // namespace minissl::simd::split
