#include "tensor/simd/kernels_of.h"
#include "tensor/simd/split_products.h"

// AMX's registers in plain code, to test products in tiles where there is no AMX. Results have the same bits.
namespace minissl::simd {
namespace {

class EmulatedRegisters {
 public:
  void zero() {
    for (int number = 0; number < 4; ++number)
      for (float& element : registers_[number]) element = 0;
  }
  template <int number>
  void load(const float* from, int64_t stride) {
    split::copy_rows(split::extent, split::extent, from, stride, registers_[number], split::extent);
  }
  template <int number>
  void store(float* to, int64_t stride) {
    split::copy_rows(split::extent, split::extent, registers_[number], split::extent, to, stride);
  }

  // As the manual says (TDPBF16PS): sums of the first and of the second numbers of all units, each from 0, are added to
  // each other and then to what was there.
  template <int sum, int a, int b>
  void add_product() {
    for (int64_t row = 0; row < split::extent; ++row)
      for (int64_t column = 0; column < split::extent; ++column) {
        float first = 0, second = 0;
        for (int64_t k = 0; k < split::extent; ++k) {
          const uint32_t of_a = bits(registers_[a][row * split::extent + k]);
          const uint32_t of_b = bits(registers_[b][k * split::extent + column]);
          first = __builtin_fmaf(value(of_a << 16), value(of_b << 16), first);
          second = __builtin_fmaf(value(of_a & 0xffff0000), value(of_b & 0xffff0000), second);
        }
        registers_[sum][row * split::extent + column] += first + second;
      }
  }

 private:
  static uint32_t bits(float value) { return __builtin_bit_cast(uint32_t, value); }
  static float value(uint32_t bits) { return __builtin_bit_cast(float, bits); }

  float registers_[8][split::units];
};

constexpr SplitProducts products = split::products<4, EmulatedRegisters>();

}  // namespace

extern const Kernels emulated_kernels;
const Kernels emulated_kernels = kernels_of<4, 6>("emulated_tiles", &products);

}  // namespace minissl::simd
