#include "data/phantom/phantom_body.h"

namespace minissl::phantom {

Body::Body(Finding finding, float turn, Draws draws, Draws finding_draws, Draws opacity_draws) : turn_(turn) {
  apex_ = draws(-0.72f, -0.66f), base_ = draws(0.66f, 0.76f);
  const float width = draws(0.54f, 0.62f), dome = draws(0.38f, 0.5f);
  soft_tissue_ = draws(0.15f, 0.25f), fat_ = draws(0.92f, 1.08f);
  const float breast = draws.chance(0.4f) ? draws(0.03f, 0.12f) : 0;
  const float breast_y = draws(0.2f, 0.42f);
  for (Side& s : sides_) {
    s.wall = width * draws(0.96f, 1.04f);
    s.dome = dome + (&s == &sides_[1] ? draws(0.02f, 0.09f) : 0), s.dome_fall = draws(0.16f, 0.26f);
    s.clavicle_y = draws(-0.6f, -0.5f), s.clavicle_slope = draws(-0.32f, 0.02f), s.clavicle_bend = draws(0.02f, 0.07f);
    s.scapula_x = draws(0.46f, 0.68f), s.scapula = draws(0.02f, 0.08f);
    s.breast_x = width * draws(0.45f, 0.65f), s.breast_y = breast_y + draws(-0.03f, 0.03f);
    s.breast_radius = draws(0.24f, 0.36f), s.breast = breast * draws(0.8f, 1.2f);
    s.arm_x = draws(0.9f, 1.1f);
  }
  shoulder_y_ = draws(-0.74f, -0.66f), neck_ = draws(0.24f, 0.34f);
  rib_spacing_ = draws(0.118f, 0.15f), rib_start_ = draws(0, 1), rib_drop_ = draws(0.16f, 0.36f);
  rib_ = draws(0.09f, 0.14f), front_rib_rise_ = draws(0.28f, 0.45f), front_rib_ = rib_ * draws(0.3f, 0.8f);
  spine_ = draws(0.06f, 0.13f), vertebra_ = draws(0.105f, 0.13f), vertebra_start_ = draws(0, 1);
  lung_ = draws(0.68f, 0.78f), markings_ = draws(0.1f, 0.2f);
  aorta_y_ = draws(-0.34f, -0.24f), aorta_ = draws(0.1f, 0.18f);
  mediastinum_ = draws(0.1f, 0.16f), hilum_ = draws(0.08f, 0.18f);
  stomach_ = draws.chance(0.4f) ? draws(0.1f, 0.25f) : 0, stomach_x_ = draws(0.25f, 0.4f);

  draw_heart(finding, finding_draws);
  if (finding == Finding::opacity) draw_opacity(opacity_draws);
}

void Body::draw_heart(Finding finding, Draws& draws) {
  const float ratio = finding == Finding::enlarged_heart ? draws(0.56f, 0.7f) : draws(0.36f, 0.44f);
  heart_width_ = ratio * 0.5f * (sides_[0].wall + sides_[1].wall), heart_height_ = heart_width_ * draws(0.95f, 1.25f);
  heart_x_ = heart_width_ * draws(0.22f, 0.36f);
  heart_y_ = sides_[0].dome + 0.12f - 0.72f * heart_height_;
  heart_tilt_ = draws(0.06f, 0.15f), heart_ = draws(0.22f, 0.34f);
}

void Body::draw_opacity(Draws& draws) {
  const auto count = static_cast<size_t>(draws(2, 5));
  for (size_t k = 0; k < count; ++k) {
    Opacity& o = opacities_.emplace_back();
    for (int i = 0; i < 64; ++i) {
      o.center = {draws(-0.6f, 0.6f), draws(-0.5f, 0.5f)};
      const Side& s = side(o.center.x);
      if (lung(o.center, s, wall(s, o.center.y)) > 0.75f) break;
    }
    o.width = draws(0.14f, 0.28f), o.height = draws(0.14f, 0.28f), o.density = draws(0.4f, 0.7f);
    const float angle = draws(0, pi);
    o.cosine = std::cos(angle), o.sine = std::sin(angle);
  }
}

float Body::attenuation(Point p, const Detail& detail) const {
  const Side& s = side(p.x);
  const float x = std::fabs(p.x), y = p.y;
  const float around = tissue(s, x, y);
  if (around <= 0) return 0;

  const float wall_x = wall(s, y), air = lung(p, s, wall_x), below = abdomen(s, x, y);
  float sum = fat_ * around + 0.04f * detail.cloud + 0.012f * detail.rough;
  sum -= air * (lung_ * (1 - 0.06f * detail.cloud) - markings_ * detail.vessel - 0.015f * detail.rough);
  sum += consolidation(p, air, detail.rough);
  sum += heart_ * std::max(1 - square(heart_radius(p)), 0.0f);
  sum += 0.35f * below + middle(p, x);
  sum += (1 - 0.6f * below) * ribs(s, x, y, wall_x) + shoulder(s, x, y);
  if (p.x > 0) sum -= stomach_ * bump(x - stomach_x_, 0.16f) * bump(y - s.dome - 0.14f, 0.1f);
  sum += s.breast * step(1 - length(x - s.breast_x, 1.1f * (y - s.breast_y)) / s.breast_radius, 0.12f);
  return sum;
}

float Body::wall(const Side& s, float y) const {
  const float q = clamp01((y - apex_) / (0.72f * (base_ - apex_)));
  return s.wall * std::sqrt(std::max(1 - square(1 - q), 0.0f)) * (1 - 0.06f * clamp01((y - 0.3f) * 2));
}

float Body::diaphragm(const Side& s, float x) const { return s.dome + s.dome_fall * square((x - 0.26f) / 0.34f); }

// 0 at the heart's centre, 1 at its border.
float Body::heart_radius(Point p) const {
  const float y = p.y - heart_y_, v = y / heart_height_;
  const float narrowing = 1 - 0.22f * square(std::max(0.35f - v, 0.0f));  // towards the great vessels
  return length((p.x - heart_x_ - 0.5f * turn_ - heart_tilt_ * y) / (heart_width_ * narrowing), v);
}

// Thickness of trunk, neck, shoulders and arms, without the thorax's content.
float Body::tissue(const Side& s, float x, float y) const {
  const float trunk = s.wall + soft_tissue_ + 0.05f * y, below_shoulder = y - shoulder_y_;
  const float shoulders = neck_ + (s.arm_x + 0.1f - neck_) * step(below_shoulder + 0.08f, 0.2f);
  const float half = below_shoulder < 0.15f ? shoulders : std::max(trunk, shoulders - 3 * (below_shoulder - 0.15f));
  float depth = 0;
  if (x < half) {
    const float v = 1 - square(x / half);
    depth = std::sqrt(std::sqrt(v * std::sqrt(v)));
  }
  if (y > -0.55f) {
    const float across = x - s.arm_x - 0.06f * clamp01((y + 0.5f) / 1.6f);
    const float arm = 0.6f * std::sqrt(std::max(1 - square(across / 0.15f), 0.0f)) + 0.16f * bump(across, 0.06f);
    depth = std::max(depth, arm);
  }
  return depth;
}

// The fraction of the path through the body that is lung.
float Body::lung(Point p, const Side& s, float wall_x) const {
  const float x = std::fabs(p.x), outer = wall_x - x;
  if (outer < -0.03f || p.y < apex_ - 0.05f) return 0;
  const float towards_turn = p.x < 0 ? -turn_ : turn_;
  const float inner = x - mediastinum_ - 0.3f * towards_turn - 0.15f * hilum_ * bump(p.y - 0.02f, 0.25f);
  const float depth = step(outer, 0.025f) * step(inner, 0.05f) * step(diaphragm(s, x) - p.y, 0.025f);
  if (depth <= 0) return 0;
  const float rounding = 0.55f + 0.45f * std::sqrt(clamp01(outer / (0.5f * s.wall)));
  return depth * rounding * (1 - 0.8f * step(1 - heart_radius(p), 0.05f));
}

float Body::consolidation(Point p, float lung, float rough) const {
  if (lung <= 0) return 0;
  float clear = 1;  // the fraction of the air that no consolidation has replaced
  for (const Opacity& o : opacities_) {
    const float x = p.x - o.center.x, y = p.y - o.center.y;
    const float u = (x * o.cosine + y * o.sine) / o.width, v = (y * o.cosine - x * o.sine) / o.height;
    const float r = u * u + v * v + 0.35f * rough;
    if (r < 2) clear *= 1 - o.density * square(1 - 0.5f * std::max(r, 0.0f));
  }
  return std::min(1.6f * lung, 1.0f) * (1 - clear);
}

float Body::abdomen(const Side& s, float x, float y) const {
  return step(y - diaphragm(s, x), 0.1f) * step(s.wall + 0.05f - x, 0.1f);
}

// Spine, breastbone, great vessels, roots of the lungs, and the air in the windpipe.
float Body::middle(Point p, float x) const {
  if (x > 0.5f) return 0;
  float sum = 0.3f * step(mediastinum_ + 0.03f - x, 0.1f);
  if (x < 0.115f) {
    const float disc = std::cos(2 * pi * (p.y / vertebra_ + vertebra_start_));
    sum += spine_ * step(0.085f - x, 0.03f) * (0.8f + 0.35f * disc);
  }
  sum += 0.3f * bump(length(p.x - 0.13f - 0.3f * turn_, p.y - aorta_y_), aorta_);
  sum -= 0.16f * step(0.045f - std::fabs(p.x + 0.4f * turn_), 0.02f) * step(-0.22f - p.y, 0.08f);
  return sum + hilum_ * bump(length(x - mediastinum_ - 0.05f, p.y - 0.02f), 0.2f);
}

float Body::ribs(const Side& s, float x, float y, float wall_x) const {
  const float cage = step(wall_x + 0.03f - x, 0.02f) * step(base_ + 0.1f - y, 0.2f) * step(y - apex_ + 0.02f, 0.03f);
  const float u = x / s.wall;
  if (cage <= 0 || u < 0.08f) return 0;
  const auto across = [&](float phase) {
    phase += rib_start_;
    return (phase - std::floor(phase) - 0.5f) / 0.27f;
  };
  // The ribs rise a little from the spine, then fall outwards; in front they fall towards the breastbone and end as
  // cartilage, which casts no shadow.
  const float back = (y + 0.1f * std::sin(pi * clamp01(0.9f * u)) - rib_drop_ * u * u) / rib_spacing_;
  const float front = (y - front_rib_rise_ * (1 - u) * (0.5f + 0.5f * u)) / rib_spacing_;
  const float tangential = 0.05f * bump(wall_x + 0.01f - x, 0.035f);
  return cage * (rib_ * (1 - 0.3f * u) * bone(across(back)) + front_rib_ * step(u - 0.5f, 0.15f) * bone(across(front)) +
                 tangential);
}

// Clavicle and shoulder blade.
float Body::shoulder(const Side& s, float x, float y) const {
  float sum = s.scapula * step(x - s.scapula_x - 0.12f * (y + 0.3f), 0.015f) * bump(y + 0.35f, 0.4f);
  if (x > 0.05f && x < 0.8f && y < -0.3f) {
    const float middle = s.clavicle_y + s.clavicle_slope * x + s.clavicle_bend * std::sin(9 * x);
    sum += 0.16f * bone((y - middle) / 0.035f);
  }
  return sum;
}

}  // namespace minissl::phantom
