#include "data/phantom/phantom.h"

#include <array>

#include "data/phantom/phantom_body.h"
#include "data/phantom/phantom_canvas.h"
#include "data/phantom/phantom_shapes.h"

namespace minissl {
namespace {

using namespace phantom;

/// Tube, detector and film: maps attenuation to gray.
struct Exposure {
  explicit Exposure(Draws draws) {
    low = draws(-0.05f, 0.25f);
    const float high = draws(1.35f, 1.95f), gamma = draws(0.6f, 1.15f);
    const float darkest = draws(0, 0.1f), brightest = draws(0.85f, 1);
    scale = last / (high - low);
    for (size_t i = 0; i < curve.size(); ++i)
      curve[i] = darkest + (brightest - darkest) * std::pow(static_cast<float>(i) / last, gamma);
    slope = {draws(-0.12f, 0.12f), draws(-0.12f, 0.12f)};
    noise = draws(0.005f, 0.022f), grain = draws(0, 0.015f);
    collimated = draws.chance(0.2f);
    for (float& edge : edges) edge = draws.chance(0.6f) ? draws(0.78f, 0.97f) : 2;
    tilt = draws(-0.05f, 0.05f);
  }

  float develop(float attenuation) const {
    const float t = std::min(std::max((attenuation - low) * scale, 0.0f), last);
    const auto i = std::min(static_cast<size_t>(t), curve.size() - 2);
    return curve[i] + (t - static_cast<float>(i)) * (curve[i + 1] - curve[i]);
  }
  bool shielded(Point p) const {
    if (!collimated) return false;
    const float u = p.x + tilt * p.y, v = p.y - tilt * p.x;
    return u > edges[0] || -u > edges[1] || v > edges[2] || -v > edges[3];
  }

  static constexpr float last = 128;
  std::array<float, 129> curve;  // gray, starting at `low`, in steps of 1 / scale
  float low, scale;
  Point slope;  // uneven illumination
  float noise, grain, tilt;
  bool collimated;
  std::array<float, 4> edges;
};

// An approximately standard normal number from the sum of four bytes.
float normal(uint32_t bits) {
  const uint32_t sum = (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24);
  return (static_cast<float>(sum) - 510) / 148;
}

}  // namespace

Image phantom_radiograph(Finding finding, int64_t size, uint64_t seed, uint32_t index) {
  const auto draws = [&](Part part) { return Draws(seed, index, part); };
  const Pose pose(draws(Part::pose));
  const Body body(finding, pose.turn(), draws(Part::body), draws(Part::finding), draws(Part::opacity));
  const Exposure exposure(draws(Part::exposure));
  const int n = static_cast<int>(size);
  const Canvas vessel_map = vessels(n, body.mediastinum() + 0.02f, pose, draws(Part::vessels));
  const Canvas device_map = devices(n, draws(Part::devices));
  Draws texture_draws = draws(Part::texture);
  const Texture coarse(texture_draws, 6), medium(texture_draws, 17), fine(texture_draws, 43);
  const Random noise(seed, RandomSite::synthesis, 0, index, static_cast<uint32_t>(Part::noise));

  Image image{Tensor::empty({size, size, 1}, DType::u8)};
  auto* out = image.pixels.mutable_data<uint8_t>();
  const auto coordinate = [n](int i) { return (2 * static_cast<float>(i) + 1) / static_cast<float>(n) - 1; };
  std::array<uint32_t, 4> bits{};
  for (int y = 0; y < n; ++y)
    for (int x = 0; x < n; ++x) {
      const Point p{coordinate(x), coordinate(y)};
      const Detail detail{vessel_map.at(x, y), coarse(p), medium(p)};
      const float attenuation = body.attenuation(pose.body(p), detail) + device_map.at(x, y) + exposure.slope.x * p.x +
                                exposure.slope.y * p.y;
      const auto pixel = static_cast<uint32_t>(y * n + x);
      if (pixel % 4 == 0) bits = noise.bits(pixel / 4);
      float gray = exposure.develop(attenuation);
      gray += exposure.noise * (0.5f + gray) * normal(bits[pixel % 4]) + exposure.grain * fine(p);
      if (exposure.shielded(p)) gray = 0.02f;
      out[pixel] = static_cast<uint8_t>(255 * clamp01(gray) + 0.5f);
    }
  return image;
}

}  // namespace minissl
