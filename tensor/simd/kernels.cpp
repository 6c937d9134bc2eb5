#include "tensor/simd/kernels.h"

#include <atomic>
#include <vector>

namespace minissl::simd {

extern const Kernels portable_kernels;
#ifdef MINISSL_X86
extern const Kernels avx2_kernels, avx512_kernels;
#endif

namespace {

std::vector<const Kernels*> find_kernels() {
  std::vector<const Kernels*> found{&portable_kernels};
#ifdef MINISSL_X86
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(&avx2_kernels);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) found.push_back(&avx512_kernels);
#endif
  return found;
}

std::atomic<const Kernels*>& chosen() {
  static std::atomic<const Kernels*> best{all_kernels().back()};
  return best;
}

}  // namespace

std::span<const Kernels* const> all_kernels() {
  static const std::vector<const Kernels*> all = find_kernels();
  return all;
}

const Kernels& kernels() { return *chosen(); }
void use(const Kernels& other) { chosen() = &other; }

}  // namespace minissl::simd
