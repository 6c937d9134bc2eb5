#pragma once
#include <cstdint>

/// Vectors of W floats, as the compiler's extension provides them. Nothing in this folder may call inline functions of
/// other headers: its files are compiled for several instruction sets, and the linker keeps only one copy of each.
namespace minissl::simd {

template <int W>
struct VectorOf {
  using type __attribute__((vector_size(W * sizeof(float)))) = float;
  // The same in memory, at any address that a float may have.
  using unaligned __attribute__((vector_size(W * sizeof(float)), aligned(alignof(float)), may_alias)) = float;
  // Their bits.
  using bits __attribute__((vector_size(W * sizeof(uint32_t)))) = uint32_t;
};
template <int W>
using Vector = typename VectorOf<W>::type;

template <int W>
inline Vector<W> load(const float* from) {
  return *reinterpret_cast<const typename VectorOf<W>::unaligned*>(from);
}
template <int W>
inline void store(float* to, Vector<W> v) {
  *reinterpret_cast<typename VectorOf<W>::unaligned*>(to) = v;
}

}  // namespace minissl::simd
