#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "tensor/random.h"

/// Smooth shapes and random numbers for drawing phantom radiographs. Private to data/phantom*.cpp.
namespace minissl::phantom {

inline constexpr float pi = std::numbers::pi_v<float>;

struct Point {
  float x, y;
};

inline float square(float v) { return v * v; }
inline float length(float x, float y) { return std::sqrt(x * x + y * y); }
inline float clamp01(float v) { return std::min(std::max(v, 0.0f), 1.0f); }
/// 0 below -width, 1 above width, smooth between.
inline float step(float v, float width) {
  const float t = clamp01(0.5f + v * (0.5f / width));
  return t * t * (3 - 2 * t);
}
/// A bump of height 1 at 0 that ends at +-width.
inline float bump(float v, float width) {
  const float t = 1 - square(v * (1 / width));
  return t > 0 ? t * t : 0;
}
/// The shadow of a bone at t in [-1, 1] across it. A bone is a tube, so the shadow is brightest near the edges.
inline float bone(float t) {
  const float edge = 4 * (1 - std::fabs(t));
  return edge > 0 ? (0.65f + 0.6f * t * t) * std::min(1.0f, edge) : 0;
}

/// Each part of a radiograph draws from its own generator, so that changing one doesn't change another's numbers.
enum class Part : uint32_t { body, pose, exposure, vessels, finding, opacity, devices, texture, noise };

/// A sequence of random numbers for one part.
class Draws {
 public:
  Draws(uint64_t seed, uint32_t index, Part part)
      : random_(seed, RandomSite::synthesis, 0, index, static_cast<uint32_t>(part)) {}
  float operator()(float low, float high) { return random_.uniform(next_++, low, high); }
  bool chance(float probability) { return random_.uniform(next_++) < probability; }

 private:
  Random random_;
  uint32_t next_ = 0;
};

/// Smooth noise over [-1, 1]^2 with a deviation of about 1, interpolated on a lattice of cells x cells.
class Texture {
 public:
  Texture(Draws& draws, int cells) : cells_(cells), values_(static_cast<size_t>((cells + 1) * (cells + 1))) {
    for (float& value : values_) value = draws(-2.4f, 2.4f);
  }
  float operator()(Point p) const {
    const float u = clamp01(0.5f + 0.5f * p.x) * (static_cast<float>(cells_) - 0.001f);
    const float v = clamp01(0.5f + 0.5f * p.y) * (static_cast<float>(cells_) - 0.001f);
    const int i = static_cast<int>(u), j = static_cast<int>(v);
    float a = u - static_cast<float>(i), b = v - static_cast<float>(j);
    a *= a * (3 - 2 * a), b *= b * (3 - 2 * b);
    const float* top = &values_[static_cast<size_t>(j * (cells_ + 1) + i)];
    const float* bottom = top + cells_ + 1;
    return (1 - b) * (top[0] + a * (top[1] - top[0])) + b * (bottom[0] + a * (bottom[1] - bottom[0]));
  }

 private:
  int cells_;
  std::vector<float> values_;
};

}  // namespace minissl::phantom
