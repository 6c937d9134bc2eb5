#include "tensor/simd/kernels_of.h"
#include "tensor/simd/split_products.h"

// AVX-512, and the tiles of AMX (Intel's manual, volume 1, chapter 18) for products. Written in assembly because the
// compilers' intrinsics take the number of a register as text.
namespace minissl::simd {
namespace {

// All eight registers have 16 rows of 64 bytes while one of these lives. Without that the processor would save 8 KiB
// at each switch of threads for nothing.
class AmxRegisters {
 public:
  AmxRegisters() {
    static constexpr struct alignas(64) {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t bytes_of_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } configuration;
    asm volatile("ldtilecfg %0" : : "m"(configuration));
  }
  ~AmxRegisters() { asm volatile("tilerelease"); }
  AmxRegisters(const AmxRegisters&) = delete;
  AmxRegisters& operator=(const AmxRegisters&) = delete;

  static void zero() { asm volatile("tilezero %tmm0\n\ttilezero %tmm1\n\ttilezero %tmm2\n\ttilezero %tmm3"); }
  template <int number>
  static void load(const float* from, int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(4 * stride), "i"(number) : "memory");
  }
  template <int number>
  static void store(float* to, int64_t stride) {  // NOLINT(readability-non-const-parameter)
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(4 * stride), "i"(number) : "memory");
  }
  template <int sum, int a, int b>
  static void add_product() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(sum), "i"(a), "i"(b));
  }
};

constexpr SplitProducts products = split::products<16, AmxRegisters>();

}  // namespace

extern const Kernels amx_kernels;
const Kernels amx_kernels = kernels_of<16, 14>("amx", &products);

}  // namespace minissl::simd
