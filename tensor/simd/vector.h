#pragma once
#include <cstdint>

/// Vectors of floats as the compiler knows them, W wide. Nothing of this folder may call inline functions of other
/// headers: its files are compiled for several instruction sets, and the linker keeps one copy of each such function.
namespace minissl::simd {

template <int W>
struct VectorOf {
  using type __attribute__((vector_size(W * sizeof(float)))) = float;
  // The same in memory, at any address that a float may have.
  using unaligned __attribute__((vector_size(W * sizeof(float)), aligned(alignof(float)), may_alias)) = float;
  // What a shuffle takes from where.
  using indices __attribute__((vector_size(W * sizeof(int)))) = int;
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
