#include "data/phantom.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "tensor/random.h"

namespace minissl {
namespace {

constexpr float pi = std::numbers::pi_v<float>;

// Random `view` numbers at RandomSite::synthesis, so that parts don't disturb each other's draws.
enum Part : uint32_t {
  body_part,
  pose_part,
  exposure_part,
  vessel_part,
  finding_part,
  opacity_part,
  device_part,
  texture_part,
  noise_part
};

/// Draws in sequence.
class Draws {
 public:
  Draws(uint64_t seed, uint32_t index, Part part) : random_(seed, RandomSite::synthesis, 0, index, part) {}
  float operator()(float low, float high) { return random_.uniform(next_++, low, high); }
  bool chance(float probability) { return random_.uniform(next_++) < probability; }
  float sign() { return chance(0.5f) ? 1.0f : -1.0f; }

 private:
  Random random_;
  uint32_t next_ = 0;
};

struct Point {
  float x, y;
};

float square(float v) { return v * v; }
float clamp01(float v) { return std::min(std::max(v, 0.0f), 1.0f); }
/// 0 below -width, 1 above width, smooth between.
float step(float v, float width) {
  const float t = clamp01(0.5f + 0.5f * v / width);
  return t * t * (3 - 2 * t);
}
/// A bump of height 1 around 0 that ends at +-width.
float bump(float v, float width) {
  const float t = 1 - square(v / width);
  return t > 0 ? t * t : 0;
}

/// Smooth random numbers over [-1, 1]^2, about unit deviation: a lattice of cells by cells, interpolated.
class Texture {
 public:
  Texture(Random random, uint32_t first, int cells)
      : cells_(cells), values_(static_cast<size_t>((cells + 1) * (cells + 1))) {
    for (size_t i = 0; i < values_.size(); ++i)
      values_[i] = 2.4f * (2 * random.uniform(first + static_cast<uint32_t>(i)) - 1);
  }
  float operator()(float x, float y) const {
    const float u = clamp01(0.5f + 0.5f * x) * (static_cast<float>(cells_) - 0.001f);
    const float v = clamp01(0.5f + 0.5f * y) * (static_cast<float>(cells_) - 0.001f);
    const int i = static_cast<int>(u), j = static_cast<int>(v);
    float a = u - static_cast<float>(i), b = v - static_cast<float>(j);
    a *= a * (3 - 2 * a), b *= b * (3 - 2 * b);
    const float* p = &values_[static_cast<size_t>(j * (cells_ + 1) + i)];
    const float* q = p + cells_ + 1;
    return p[0] + a * (p[1] - p[0]) + b * (q[0] - p[0] + a * (q[1] - q[0] - p[1] + p[0]));
  }

 private:
  int cells_;
  std::vector<float> values_;
};

/// Where patient and detector are: body coordinates have the spine at x = 0 and the thorax within about [-0.7, 0.7],
/// y downwards; detector coordinates are [-1, 1]^2.
class Pose {
 public:
  explicit Pose(Draws draws) {
    const float angle = draws(-0.12f, 0.12f), zoom = draws(0.8f, 1.12f), stretch = draws(0.93f, 1.08f);
    xx_ = zoom * stretch * std::cos(angle), xy_ = -zoom * std::sin(angle);
    yx_ = zoom * std::sin(angle), yy_ = zoom / stretch * std::cos(angle);
    x0_ = draws(-0.16f, 0.16f), y0_ = draws(-0.14f, 0.14f);
    turn_ = draws(-0.09f, 0.09f), bend_ = draws(-0.05f, 0.05f);
    determinant_ = xx_ * yy_ - xy_ * yx_;
  }
  Point detector(Point body) const {
    const float x = body.x + bend_ * body.y * body.y;
    return {x0_ + xx_ * x + xy_ * body.y, y0_ + yx_ * x + yy_ * body.y};
  }
  Point body(Point detector) const {
    const float u = detector.x - x0_, v = detector.y - y0_;
    const float y = (xx_ * v - yx_ * u) / determinant_;
    return {(yy_ * u - xy_ * v) / determinant_ - bend_ * y * y, y};
  }
  /// How far the patient is turned: what lies in front moves against the spine.
  float turn() const { return turn_; }

 private:
  float x0_, xx_, xy_, y0_, yx_, yy_, turn_, bend_, determinant_;
};

/// One half of the thorax; x counts from the spine outwards.
struct Side {
  float wall;             // inner half width where it is widest
  float dome, dome_fall;  // height of the diaphragm's top, how deep it falls off sideways
  float clavicle_y, clavicle_slope, clavicle_bend;
  float scapula_x, scapula;
  float breast_x, breast_y, breast_radius, breast;
  float arm_x;
};

struct Body {
  Body(Finding finding, Draws draws, Draws finding_draws) {
    apex = draws(-0.74f, -0.64f), base = draws(0.62f, 0.8f);
    const float wall = draws(0.52f, 0.66f), dome = draws(0.32f, 0.56f);
    soft_tissue = draws(0.1f, 0.3f), fat = draws(0.75f, 1.3f);
    const float breast = draws.chance(0.5f) ? draws(0.05f, 0.22f) : 0;
    const float breast_y = draws(0.2f, 0.42f);
    for (size_t s = 0; s < 2; ++s) {
      Side& side = sides[s];
      side.wall = wall * draws(0.96f, 1.04f);
      side.dome = dome + (s == 1 ? draws(0.02f, 0.09f) : 0), side.dome_fall = draws(0.12f, 0.3f);
      side.clavicle_y = draws(-0.6f, -0.5f), side.clavicle_slope = draws(-0.32f, 0.02f);
      side.clavicle_bend = draws(0.02f, 0.07f);
      side.scapula_x = draws(0.46f, 0.68f), side.scapula = draws(0.02f, 0.12f);
      side.breast_x = wall * draws(0.45f, 0.65f), side.breast_y = breast_y + draws(-0.03f, 0.03f);
      side.breast_radius = draws(0.24f, 0.36f), side.breast = breast * draws(0.8f, 1.2f);
      side.arm_x = draws(0.86f, 1.1f);
    }
    shoulder_y = draws(-0.78f, -0.62f), neck = draws(0.2f, 0.28f);
    rib_spacing = draws(0.118f, 0.15f), rib_start = draws(0, 1), rib_drop = draws(0.16f, 0.36f),
    rib = draws(0.05f, 0.13f);
    front_rib_rise = draws(0.28f, 0.45f), front_rib = rib * draws(0.3f, 0.8f);
    spine = draws(0.05f, 0.2f), vertebra = draws(0.105f, 0.13f), vertebra_start = draws(0, 1);
    lung = draws(0.7f, 0.95f), markings = draws(0.04f, 0.11f);
    aorta_y = draws(-0.34f, -0.24f), aorta = draws(0.07f, 0.12f);
    mediastinum = draws(0.1f, 0.16f), hilum = draws(0.03f, 0.12f);
    stomach = draws.chance(0.4f) ? draws(0.1f, 0.35f) : 0;
    stomach_x = draws(0.25f, 0.4f);

    const bool enlarged = finding == Finding::enlarged_heart;
    const float ratio = enlarged ? finding_draws(0.53f, 0.64f) : finding_draws(0.36f, 0.46f);
    heart_width = ratio * wall, heart_height = heart_width * finding_draws(0.95f, 1.2f);
    heart_x = heart_width * finding_draws(0.22f, 0.36f);
    heart_y = dome + 0.06f - 0.72f * heart_height;
    heart_tilt = finding_draws(0.35f, 0.75f), heart = finding_draws(0.35f, 0.6f);
  }

  float apex, base, soft_tissue, fat, shoulder_y, neck;
  float rib_spacing, rib_start, rib_drop, rib, front_rib_rise, front_rib;
  float spine, vertebra, vertebra_start, lung, markings, aorta_y, aorta, mediastinum, hilum, stomach, stomach_x;
  float heart_width, heart_height, heart_x, heart_y, heart_tilt, heart;
  std::array<Side, 2> sides;  // 0: the patient's right, shown on the left

  const Side& side(float x) const { return sides[x < 0 ? 0 : 1]; }

  /// Inner half width of the thorax at height y.
  float wall(const Side& s, float y) const {
    const float q = clamp01((y - apex) / (0.72f * (base - apex)));
    return s.wall * std::sqrt(std::max(1 - square(1 - q), 0.0f)) * (1 - 0.06f * clamp01((y - 0.3f) * 2));
  }
  float diaphragm(const Side& s, float x) const { return s.dome + s.dome_fall * square((x - 0.26f) / 0.34f); }
  /// 0 at the heart's centre, 1 at its border.
  float heart_radius(Point p, float turn) const {
    const float x = p.x - heart_x - turn * 0.5f, y = p.y - heart_y;
    const float u = (x + heart_tilt * 0.35f * y) / heart_width, v = (y - heart_tilt * 0.3f * x) / heart_height;
    return std::sqrt(u * u + v * v);
  }
  /// The part of the way through the body at p that is lung, 0 to 1, without what lies before and behind it.
  float lung_at(Point p, float turn) const {
    const Side& s = side(p.x);
    const float x = std::fabs(p.x), outer = wall(s, p.y) - x;
    if (outer < -0.03f || p.y < apex - 0.05f) return 0;
    const float inner = x - mediastinum - 0.25f * hilum * bump(p.y - 0.02f, 0.25f);
    const float lower = diaphragm(s, x) - p.y;
    float depth = step(outer, 0.02f) * step(inner, 0.03f) * step(lower, 0.02f);
    if (depth <= 0) return 0;
    depth *= 0.55f + 0.45f * std::sqrt(clamp01(outer / (0.5f * s.wall)));
    const float r = heart_radius(p, turn);
    return depth * (1 - 0.8f * step(1 - r, 0.05f));
  }
};

/// A consolidation: fluid in a part of a lung.
struct Opacity {
  Opacity(const Body& body, float turn, Draws draws) {
    for (int i = 0; i < 64; ++i) {
      center = {draws(-0.6f, 0.6f), draws(-0.5f, 0.5f)};
      if (body.lung_at(center, turn) > 0.75f) break;
    }
    width = draws(0.11f, 0.2f), height = draws(0.11f, 0.2f), density = draws(0.28f, 0.5f), angle = draws(0, pi);
  }
  float at(Point p, float roughness) const {
    const float x = p.x - center.x, y = p.y - center.y;
    const float u = (x * std::cos(angle) + y * std::sin(angle)) / width;
    const float v = (y * std::cos(angle) - x * std::sin(angle)) / height;
    const float r = u * u + v * v + 0.35f * roughness;
    return r < 2 ? density * square(1 - 0.5f * std::max(r, 0.0f)) : 0;
  }
  Point center;
  float width, height, density, angle;
};

/// What is added to the attenuation, in detector pixels.
class Canvas {
 public:
  explicit Canvas(int size) : size_(size), values_(static_cast<size_t>(size * size)) {}

  Point pixel(Point detector) const {
    const float half = 0.5f * static_cast<float>(size_);
    return {half * (detector.x + 1), half * (detector.y + 1)};
  }
  float radius(float detector) const { return std::max(0.5f * static_cast<float>(size_) * detector, 0.45f); }

  /// A round thread from a to b, in pixels. Thinner than a pixel it becomes fainter.
  void line(Point a, Point b, float radius, float density) {
    const float reach = radius + 0.7f;
    const int x0 = low(std::min(a.x, b.x) - reach), x1 = high(std::max(a.x, b.x) + reach);
    const int y0 = low(std::min(a.y, b.y) - reach), y1 = high(std::max(a.y, b.y) + reach);
    const float dx = b.x - a.x, dy = b.y - a.y, inverse = 1 / std::max(dx * dx + dy * dy, 1e-6f);
    for (int y = y0; y < y1; ++y)
      for (int x = x0; x < x1; ++x) {
        const float px = static_cast<float>(x) + 0.5f - a.x, py = static_cast<float>(y) + 0.5f - a.y;
        const float t = clamp01((px * dx + py * dy) * inverse);
        const float value = density * bump(std::sqrt(square(px - t * dx) + square(py - t * dy)), reach);
        float& v = values_[static_cast<size_t>(y * size_ + x)];
        v = std::max(v, value);
      }
  }
  float at(int x, int y) const { return values_[static_cast<size_t>(y * size_ + x)]; }

 private:
  int low(float v) const { return std::clamp(static_cast<int>(std::floor(v)), 0, size_); }
  int high(float v) const { return std::clamp(static_cast<int>(std::ceil(v)), 0, size_); }

  int size_;
  std::vector<float> values_;
};

void draw_vessel(Canvas& canvas, const Pose& pose, Draws& draws, Point at, float angle, float radius, float density,
                 int depth) {
  for (int i = 0; i < 3; ++i) {
    const float length = draws(0.04f, 0.09f);
    angle += draws(-0.3f, 0.3f);
    const Point to{at.x + length * std::cos(angle), at.y + length * std::sin(angle)};
    canvas.line(canvas.pixel(pose.detector(at)), canvas.pixel(pose.detector(to)), canvas.radius(radius), density);
    at = to, radius *= 0.88f, density *= 0.9f;
  }
  if (depth == 0) return;
  const float fork = draws(0.3f, 0.7f);
  draw_vessel(canvas, pose, draws, at, angle + fork, 0.8f * radius, 0.8f * density, depth - 1);
  draw_vessel(canvas, pose, draws, at, angle - fork, 0.8f * radius, 0.8f * density, depth - 1);
}

Canvas vessels(int size, const Body& body, const Pose& pose, Draws draws) {
  Canvas canvas(size);
  for (float side : {-1.0f, 1.0f})
    for (float direction : {-1.1f, -0.6f, -0.1f, 0.5f, 0.95f, 1.35f}) {
      const float angle = direction + draws(-0.2f, 0.2f);
      const Point root{side * (body.mediastinum + 0.02f), draws(-0.08f, 0.08f)};
      draw_vessel(canvas, pose, draws, root, side > 0 ? angle : pi - angle, draws(0.012f, 0.02f), 1, 3);
    }
  return canvas;
}

/// Leads, electrodes and the marker that says left or right.
Canvas devices(int size, Draws draws) {
  Canvas canvas(size);
  const int leads = draws.chance(0.35f) ? static_cast<int>(draws(1, 4)) : 0;
  for (int i = 0; i < leads; ++i) {
    Point at{draws(-0.9f, 0.9f), draws(-1, 1)};
    float angle = draws(0, 2 * pi);
    const float curl = draws(-0.25f, 0.25f), density = draws(0.15f, 0.4f);
    canvas.line(canvas.pixel(at), canvas.pixel(at), canvas.radius(0.03f), 1.5f * density);
    for (int k = 0; k < 14; ++k) {
      angle += curl + draws(-0.1f, 0.1f);
      const Point to{at.x + 0.11f * std::cos(angle), at.y + 0.11f * std::sin(angle)};
      canvas.line(canvas.pixel(at), canvas.pixel(to), canvas.radius(0.006f), density);
      at = to;
    }
  }
  if (draws.chance(0.6f)) {
    const Point at{draws.sign() * draws(0.7f, 0.9f), draws(-0.92f, -0.6f)};
    const auto stroke = [&](Point a, Point b) {
      canvas.line(canvas.pixel({at.x + a.x, at.y + a.y}), canvas.pixel({at.x + b.x, at.y + b.y}), canvas.radius(0.012f),
                  1.2f);
    };
    stroke({0, -0.06f}, {0, 0.06f});
    if (at.x > 0)
      stroke({0, 0.06f}, {0.07f, 0.06f});
    else
      stroke({0, -0.06f}, {0.06f, -0.03f}), stroke({0.06f, -0.03f}, {0, 0}), stroke({0, 0}, {0.07f, 0.06f});
  }
  return canvas;
}

/// Bone of the ribs at p.
float ribs_at(const Body& body, const Side& side, Point p, float cage) {
  const float x = std::fabs(p.x), u = x / side.wall;
  if (cage <= 0 || u < 0.08f) return 0;
  const auto rib = [&](float phase) {
    const float t = (phase - std::floor(phase) - 0.5f) / 0.27f;
    return std::fabs(t) < 1 ? (0.65f + 0.6f * t * t) * std::min(1.0f, 4 * (1 - std::fabs(t))) : 0;
  };
  // From the spine the ribs rise a little, then fall outwards; in front they fall towards the breastbone.
  const float back = (p.y + 0.1f * std::sin(pi * clamp01(0.9f * u)) - body.rib_drop * u * u) / body.rib_spacing;
  const float front = (p.y - body.front_rib_rise * (1 - u) * (0.5f + 0.5f * u)) / body.rib_spacing;
  const float cartilage = step(u - 0.5f, 0.15f);
  return cage * (body.rib * rib(back + body.rib_start) * (1 - 0.3f * u) +
                 body.front_rib * cartilage * rib(front + body.rib_start));
}

float clavicle_at(const Side& side, float x, float y) {
  if (x < 0.05f || x > 0.8f) return 0;
  const float middle = side.clavicle_y + side.clavicle_slope * x + side.clavicle_bend * std::sin(9 * x);
  const float t = (y - middle) / 0.035f;
  return std::fabs(t) < 1 ? (0.7f + 0.5f * t * t) * std::min(1.0f, 4 * (1 - std::fabs(t))) : 0;
}

/// Soft tissue around the thorax: trunk, neck, shoulders and arms.
float tissue_at(const Body& body, const Side& side, Point p) {
  const float x = std::fabs(p.x);
  const float trunk = side.wall + body.soft_tissue + 0.05f * p.y;
  const float below_shoulder = p.y - body.shoulder_y;
  const float shoulder = body.neck + (side.arm_x + 0.1f - body.neck) * step(below_shoulder + 0.08f, 0.2f);
  const float half = below_shoulder < 0.15f ? shoulder : std::max(trunk, shoulder - 3 * (below_shoulder - 0.15f));
  float tissue = 0;
  if (x < half) tissue = std::pow(1 - square(x / half), 0.35f);
  // The arm hangs beside the trunk.
  const float along = clamp01((p.y + 0.5f) / 1.6f), arm = x - side.arm_x - 0.06f * along;
  if (p.y > -0.55f)
    tissue = std::max(tissue, 0.6f * std::sqrt(std::max(1 - square(arm / 0.15f), 0.0f)) + 0.16f * bump(arm, 0.06f));
  return tissue;
}

struct Exposure {
  explicit Exposure(Draws draws) {
    low = draws(0.1f, 0.45f), high = draws(1.5f, 2.2f), gamma = draws(0.7f, 1.4f);
    floor = draws(0, 0.12f), ceiling = draws(0.82f, 1);
    slope_x = draws(-0.12f, 0.12f), slope_y = draws(-0.12f, 0.12f);
    noise = draws(0.006f, 0.03f), grain = draws(0, 0.05f);
    collimated = draws.chance(0.35f);
    for (float& edge : edges) edge = draws.chance(0.6f) ? draws(0.78f, 0.97f) : 2;
    tilt = draws(-0.05f, 0.05f);
  }
  /// Gray in [0, 1] of an attenuation.
  float develop(float attenuation) const {
    const float t = clamp01((attenuation - low) / (high - low));
    return floor + (ceiling - floor) * std::pow(t, gamma);
  }
  bool shielded(float x, float y) const {
    if (!collimated) return false;
    const float u = x + tilt * y, v = y - tilt * x;
    return u > edges[0] || -u > edges[1] || v > edges[2] || -v > edges[3];
  }
  float low, high, gamma, floor, ceiling, slope_x, slope_y, noise, grain, tilt;
  bool collimated;
  std::array<float, 4> edges;
};

}  // namespace

Image phantom_radiograph(Finding finding, int64_t size, uint64_t seed, uint32_t index) {
  const auto draws = [&](Part part) { return Draws(seed, index, part); };
  const Pose pose(draws(pose_part));
  const Body body(finding, draws(body_part), draws(finding_part));
  const Exposure exposure(draws(exposure_part));
  const Opacity opacity(body, pose.turn(), draws(opacity_part));
  const int n = static_cast<int>(size);
  const Canvas vessel_map = vessels(n, body, pose, draws(vessel_part));
  const Canvas device_map = devices(n, draws(device_part));
  const Random texture_random(seed, RandomSite::synthesis, 0, index, texture_part);
  const Texture coarse(texture_random, 0, 6), medium(texture_random, 1000, 17), fine(texture_random, 2000, 43);
  const Random noise(seed, RandomSite::synthesis, 0, index, noise_part);

  const Image image{Tensor::empty({size, size, 1}, DType::u8)};
  auto* out = image.pixels.mutable_data<uint8_t>();
  for (int row = 0; row < n; ++row)
    for (int column = 0; column < n; ++column) {
      const float u = (2 * static_cast<float>(column) + 1) / static_cast<float>(n) - 1;
      const float v = (2 * static_cast<float>(row) + 1) / static_cast<float>(n) - 1;
      const Point p = pose.body({u, v});
      const Side& side = body.side(p.x);
      const float x = std::fabs(p.x);
      const float rough = medium(u, v), cloud = coarse(u, v), grain = fine(u, v);

      const float tissue = tissue_at(body, side, p);
      float attenuation = body.fat * tissue;
      const float lung = body.lung_at(p, pose.turn());
      const float cage = step(body.wall(side, p.y) + 0.03f - x, 0.02f) * step(body.base + 0.1f - p.y, 0.2f) *
                         step(p.y - body.apex + 0.02f, 0.03f);
      if (tissue > 0) {
        const float marking = vessel_map.at(column, row) * body.markings * 2.2f;
        attenuation -= lung * (body.lung * (1 - 0.06f * cloud) - marking - 0.015f * rough);
        if (finding == Finding::opacity) attenuation += std::min(lung * 1.6f, 1.0f) * opacity.at(p, rough);
        const float heart = std::max(1 - square(body.heart_radius(p, pose.turn())), 0.0f);
        attenuation += body.heart * 0.6f * std::sqrt(heart);
        const float lower = p.y - body.diaphragm(side, x);
        attenuation += 0.35f * step(lower, 0.1f) * step(side.wall + 0.05f - x, 0.1f);
        if (body.stomach > 0 && p.x > 0)
          attenuation -= body.stomach * bump(x - body.stomach_x, 0.16f) * bump(p.y - side.dome - 0.14f, 0.1f);
        // The middle: spine, breastbone and great vessels, with the windpipe's air in it.
        attenuation += 0.28f * step(body.mediastinum - x, 0.05f) +
                       body.spine * step(0.085f - x, 0.02f) *
                           (0.8f + 0.35f * std::cos(2 * pi * (p.y / body.vertebra + body.vertebra_start)));
        attenuation += 0.3f * bump(std::hypot(p.x - 0.13f - 0.3f * pose.turn(), p.y - body.aorta_y), 1.5f * body.aorta);
        attenuation -= 0.16f * step(0.045f - std::fabs(p.x + 0.4f * pose.turn()), 0.02f) * step(-0.22f - p.y, 0.08f);
        attenuation += body.hilum * bump(std::hypot(x - body.mediastinum - 0.05f, p.y - 0.02f), 0.2f);
        attenuation += ribs_at(body, side, p, cage);
        attenuation += 0.05f * bump(body.wall(side, p.y) + 0.01f - x, 0.035f) * cage;
        attenuation += 0.16f * clavicle_at(side, x, p.y);
        attenuation += side.scapula * step(x - side.scapula_x - 0.12f * (p.y + 0.3f), 0.015f) * bump(p.y + 0.35f, 0.4f);
        const float breast = std::hypot(x - side.breast_x, 1.1f * (p.y - side.breast_y)) / side.breast_radius;
        attenuation += side.breast * step(1 - breast, 0.12f);
        attenuation += 0.04f * cloud + 0.012f * rough;
      }
      attenuation += device_map.at(column, row) + exposure.slope_x * u + exposure.slope_y * v;

      const auto pixel = static_cast<uint32_t>(row * n + column);
      // The sum of four bytes is near enough to a normal number for a picture.
      const uint32_t bits = noise.bits(pixel / 4)[pixel % 4];
      const float normal =
          (static_cast<float>((bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24)) - 510) / 148;
      float gray = exposure.develop(attenuation);
      gray += exposure.noise * (0.5f + gray) * normal + exposure.grain * 0.3f * grain;
      if (exposure.shielded(u, v)) gray = 0.02f;
      out[pixel] = static_cast<uint8_t>(255 * clamp01(gray) + 0.5f);
    }
  return image;
}

}  // namespace minissl
