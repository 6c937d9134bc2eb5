#include "tensor/simd/kernels.h"

#include <atomic>
#include <vector>

#if defined(MINISSL_X86) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace minissl::simd {

extern const Kernels portable_kernels, emulated_kernels;
#ifdef MINISSL_X86
extern const Kernels avx2_kernels, avx512_kernels, amx_kernels;
#endif

namespace {

#ifdef MINISSL_X86
// Whether the processor multiplies tiles of bfloat16, and the system lets this process have the registers for them,
// which it must be asked for: they make the state of a thread 8 KiB larger.
bool may_use_tiles() {
#ifdef __linux__
  constexpr unsigned bf16 = 1u << 22, registers = 1u << 24;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & bf16) == 0 || (d & registers) == 0) return false;
  constexpr long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return false;
#endif
}
#endif

std::vector<const Kernels*> find_kernels() {
  std::vector<const Kernels*> found{&emulated_kernels, &portable_kernels};
#ifdef MINISSL_X86
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(&avx2_kernels);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
    found.push_back(&avx512_kernels);
    if (may_use_tiles()) found.push_back(&amx_kernels);
  }
#endif
  return found;
}

std::atomic<const Kernels*>& current() {
  static std::atomic<const Kernels*> best{all_kernels().back()};
  return best;
}

}  // namespace

std::span<const Kernels* const> all_kernels() {
  static const std::vector<const Kernels*> all = find_kernels();
  return all;
}

const Kernels& kernels() { return *current(); }
void use(const Kernels& chosen) { current() = &chosen; }

}  // namespace minissl::simd
