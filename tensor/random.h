#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <string_view>
#include <utility>

#include "tensor/host_device.h"

namespace minissl {

/// Philox4x32-10: 128 random bits as a function of a counter and a key, no state.
/// Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
MINISSL_HD inline std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t b = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};
  }
  return counter;
}

/// A place where random numbers are drawn. Two sites never share numbers.
enum class RandomSite : uint32_t {
  initialization,
  shuffle,
  crop,
  rotation,
  flip,
  color,
  blur,
  noise,
  solarize,
  synthesis,
  batch_draw,
  evaluation,
  test,
  few_shot,
  split,
  gumbel
};

/// The random numbers of one place in a run: a pure function of (seed, site, epoch, item, view) and an index.
/// Hence any number of threads sees the same numbers, and so do a resumed run and recomputation.
class Random {
 public:
  MINISSL_HD Random(uint64_t seed, RandomSite site, uint32_t epoch = 0, uint32_t item = 0, uint32_t view = 0)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
        item_(item),
        epoch_(epoch),
        site_(static_cast<uint32_t>(site) << 8 | view) {}

  /// 128 bits for index i.
  MINISSL_HD std::array<uint32_t, 4> bits(uint32_t i) const { return philox({i, item_, epoch_, site_}, key_); }
  /// In [0, 1), a multiple of 2^-24.
  MINISSL_HD float uniform(uint32_t i) const { return to_unit(bits(i)[0]); }
  /// In [low, high).
  MINISSL_HD float uniform(uint32_t i, float low, float high) const { return low + (high - low) * uniform(i); }
  /// An integer in [0, n), n > 0; the bias of n / 2^32 is left in.
  MINISSL_HD uint32_t below(uint32_t i, uint32_t n) const {
    return static_cast<uint32_t>((uint64_t{bits(i)[0]} * n) >> 32);
  }
  /// Two independent standard normal numbers for index i (Box-Muller).
  MINISSL_HD std::array<float, 2> normal2(uint32_t i) const {
    const auto b = bits(i);
    const float radius = std::sqrt(-2.0f * std::log(1.0f - to_unit(b[0])));
    const float angle = 2.0f * std::numbers::pi_v<float> * to_unit(b[1]);
    return {radius * std::cos(angle), radius * std::sin(angle)};
  }
  MINISSL_HD float normal(uint32_t i) const { return normal2(i)[0]; }

 private:
  MINISSL_HD static float to_unit(uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }

  std::array<uint32_t, 2> key_;
  uint32_t item_, epoch_, site_;
};

/// Shuffles values (Fisher and Yates): a function of their order and the generator's indices 1..size - 1.
template <class T>
void shuffle(std::span<T> values, const Random& random) {
  for (auto i = static_cast<uint32_t>(values.size()); i-- > 1;) std::swap(values[i], values[random.below(i, i + 1)]);
}

/// 32 bits of FNV-1a: a Random `item` from a name.
constexpr uint32_t hash_name(std::string_view name) {
  uint64_t h = 14695981039346656037u;
  for (char c : name) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return static_cast<uint32_t>(h ^ (h >> 32));
}

}  // namespace minissl
