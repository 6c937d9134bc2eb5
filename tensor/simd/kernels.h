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
