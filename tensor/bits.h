#pragma once
#include <algorithm>
#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

/// One bit for each element of a row: element c has bit c % 8 of byte c / 8. The last byte's unused bits are zero.
namespace minissl {

inline constexpr int64_t bytes_for_bits(int64_t count) { return (count + 7) / 8; }

namespace detail {

template <class T>
void pack_positive(const T* values, int64_t begin, int64_t count, uint8_t* bits) {
  for (int64_t c = begin; c < count; c += 8) {
    unsigned byte = 0;
    for (int64_t i = 0; i < std::min<int64_t>(8, count - c); ++i) byte |= (values[c + i] > T(0) ? 1U : 0U) << i;
    bits[c / 8] = static_cast<uint8_t>(byte);
  }
}

template <class T>
void select_by_bits(const uint8_t* bits, const T* values, int64_t begin, int64_t count, T* out) {
  for (int64_t c = begin; c < count; ++c) out[c] = (bits[c / 8] >> (c % 8)) & 1 ? values[c] : T(0);
}

}  // namespace detail

/// Bit c is whether values[c] > 0, which is false for NaN.
template <class T>
void pack_positive(const T* values, int64_t count, uint8_t* bits) {
  detail::pack_positive(values, 0, count, bits);
}
/// out[c] = values[c] where bit c is set, else 0. `out` may be `values`.
template <class T>
void select_by_bits(const uint8_t* bits, const T* values, int64_t count, T* out) {
  detail::select_by_bits(bits, values, 0, count, out);
}

#if defined(__AVX2__)
// For the loops above, GCC 12 generates code that is eight times slower.
template <>
inline void pack_positive(const float* values, int64_t count, uint8_t* bits) {
  int64_t c = 0;
  for (; c + 8 <= count; c += 8)
    bits[c / 8] = static_cast<uint8_t>(
        _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(values + c), _mm256_setzero_ps(), _CMP_GT_OQ)));
  detail::pack_positive(values, c, count, bits);
}

template <>
inline void select_by_bits(const uint8_t* bits, const float* values, int64_t count, float* out) {
  const __m256i lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  int64_t c = 0;
  for (; c + 8 <= count; c += 8) {
    const __m256i set = _mm256_and_si256(_mm256_set1_epi32(bits[c / 8]), lanes);
    const __m256 mask = _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, lanes));
    _mm256_storeu_ps(out + c, _mm256_and_ps(_mm256_loadu_ps(values + c), mask));
  }
  detail::select_by_bits(bits, values, c, count, out);
}
#endif

}  // namespace minissl
