#pragma once
#include <cstdint>
#include <span>

/// The inner loops that are compiled for each instruction set, chosen at run time.
namespace minissl::simd {

/// Reads the same channels of several places (pixels, or taps of the weights), applies a two-dimensional linear map to
/// each channel, and writes the results `stride` floats apart.
using Gather = void (*)(const float* const* from, int64_t channels, float* to, int64_t stride);
/// The reverse: reads values `stride` floats apart and writes to several places.
using Scatter = void (*)(const float* from, int64_t stride, int64_t channels, float* const* to);

/// A Winograd form (winograd_forms.h) in two dimensions.
struct Form {
  int inputs, outputs, products;  ///< in two dimensions: squares of those in one
  int tile, extent,
      offset;  ///< in one dimension: outputs, inputs, position of the first input relative to the first output
  Gather input, weight, output_adjoint;
  Scatter output, weight_adjoint;
};

/// A matrix that is added to a product; null: none.
struct Addend {
  const float* data = nullptr;
  int64_t stride = 0;
};

/// c (rows, columns) = a b + addend, which may be c itself. Element (r, k) of a is a[r * a_stride + k], or
/// a[r + k * a_stride] for the transposed one; b has `depth` rows. Columns are a multiple of `width`.
using Multiply = void (*)(int64_t rows, int64_t columns, int64_t depth, const float* a, int64_t a_stride,
                          const float* b, int64_t b_stride, float* c, int64_t c_stride, Addend addend);

/// Writes rows of a transposed matrix in groups of `max_rows`: element (r, k), a[r + k * a_stride], of group g is
/// to[(g * depth + k) * max_rows + r], so that a product reads it from one end to the other.
using Pack = void (*)(int64_t rows, int64_t depth, const float* a, int64_t a_stride, float* to);

/// Products in tiles of bfloat16, as exact as float32 (split_products.h). Both factors are packed: lines, the rows of a
/// or the columns of b, in groups of 32, whose terms are packed 32 at a time.
struct SplitProducts {
  static constexpr int64_t group = 32;
  /// Sums and what they are added to have a multiple of so many columns.
  static constexpr int64_t width = 16;
  /// Floats that a packed line takes in a whole group: three bfloat16 for each number.
  static constexpr int64_t floats_of_line(int64_t depth) { return (depth + 31) / 32 * 32 / 2 * 3; }

  /// Element k of line i is from[i * line_stride + k * depth_stride]; one of the strides is 1.
  using Pack = void (*)(int64_t lines, int64_t depth, const float* from, int64_t line_stride, int64_t depth_stride,
                        float* to);
  Pack pack_a, pack_b;
  /// c (rows, columns) = a b + addend, which may be c itself. The groups of b's columns are `b_stride` floats
  /// apart.
  void (*multiply)(int64_t rows, int64_t columns, int64_t depth, const float* a, const float* b, int64_t b_stride,
                   float* c, int64_t c_stride, Addend addend);
};

struct Kernels {
  const char* name;
  int width;     ///< of a vector, in floats
  int max_rows;  ///< of a block that fits the registers
  Form four_by_three, padded_pair;
  Multiply multiply, multiply_transposed;
  Multiply multiply_packed;  ///< a is what Pack wrote; a_stride isn't used
  Pack pack_transposed;
  /// Transposes a block of width x width floats.
  void (*transpose)(const float* from, int64_t from_stride, float* to, int64_t to_stride);
  const SplitProducts* split = nullptr;  ///< where the instruction set has them

  /// Columns of b in a block of registers. Products are fastest when these are contiguous.
  int64_t panel() const { return 2 * int64_t{width}; }
};

/// Those for the best instruction set that this machine has.
const Kernels& kernels();
/// All that this machine can run, the best last.
std::span<const Kernels* const> all_kernels();
/// Makes kernels() return these, for tests.
void use(const Kernels& chosen);

}  // namespace minissl::simd
