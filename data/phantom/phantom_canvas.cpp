#include "data/phantom/phantom_canvas.h"

namespace minissl::phantom {

Pose::Pose(Draws draws) {
  const float angle = draws(-0.28f, 0.28f), zoom = draws(0.68f, 1.15f), stretch = draws(0.93f, 1.08f);
  xx_ = zoom * stretch * std::cos(angle), xy_ = -zoom * std::sin(angle);
  yx_ = zoom * std::sin(angle), yy_ = zoom / stretch * std::cos(angle);
  determinant_ = xx_ * yy_ - xy_ * yx_;
  x0_ = draws(-0.28f, 0.28f), y0_ = draws(-0.24f, 0.24f);
  turn_ = draws(-0.09f, 0.09f), bend_ = draws(-0.05f, 0.05f);
}

Point Pose::detector(Point body) const {
  const float x = body.x + bend_ * body.y * body.y;
  return {x0_ + xx_ * x + xy_ * body.y, y0_ + yx_ * x + yy_ * body.y};
}

Point Pose::body(Point detector) const {
  const float u = detector.x - x0_, v = detector.y - y0_;
  const float y = (xx_ * v - yx_ * u) / determinant_;
  return {(yy_ * u - xy_ * v) / determinant_ - bend_ * y * y, y};
}

void Canvas::line(Point a, Point b, float radius, float density) {
  const float half = 0.5f * static_cast<float>(size_);
  const Point from{half * (a.x + 1), half * (a.y + 1)}, to{half * (b.x + 1), half * (b.y + 1)};
  const float reach = std::max(half * radius, 0.45f) + 0.7f;
  const auto clip = [this](float v) { return std::clamp(static_cast<int>(std::floor(v)), 0, size_); };
  const int x0 = clip(std::min(from.x, to.x) - reach), x1 = clip(std::max(from.x, to.x) + reach + 1);
  const int y0 = clip(std::min(from.y, to.y) - reach), y1 = clip(std::max(from.y, to.y) + reach + 1);
  const float dx = to.x - from.x, dy = to.y - from.y, inverse = 1 / std::max(dx * dx + dy * dy, 1e-6f);
  for (int y = y0; y < y1; ++y)
    for (int x = x0; x < x1; ++x) {
      const float px = static_cast<float>(x) + 0.5f - from.x, py = static_cast<float>(y) + 0.5f - from.y;
      const float t = clamp01((px * dx + py * dy) * inverse);
      float& value = values_[static_cast<size_t>(y * size_ + x)];
      value = std::max(value, density * bump(length(px - t * dx, py - t * dy), reach));
    }
}

namespace {

void branch(Canvas& canvas, const Pose& pose, Draws& draws, Point at, float angle, float radius, float density,
            int forks) {
  for (int i = 0; i < 3; ++i) {
    const float reach = draws(0.04f, 0.09f);
    angle += draws(-0.3f, 0.3f);
    const Point to{at.x + reach * std::cos(angle), at.y + reach * std::sin(angle)};
    canvas.line(pose.detector(at), pose.detector(to), radius, density);
    at = to, radius *= 0.88f, density *= 0.9f;
  }
  if (forks == 0) return;
  const float fork = draws(0.3f, 0.7f);
  branch(canvas, pose, draws, at, angle + fork, 0.8f * radius, 0.8f * density, forks - 1);
  branch(canvas, pose, draws, at, angle - fork, 0.8f * radius, 0.8f * density, forks - 1);
}

}  // namespace

Canvas vessels(int size, float root, const Pose& pose, Draws draws) {
  Canvas canvas(size);
  for (const float side : {-1.0f, 1.0f})
    for (const float direction : {-1.1f, -0.6f, -0.1f, 0.5f, 0.95f, 1.35f}) {
      const float angle = direction + draws(-0.2f, 0.2f);
      const Point begin{side * root, draws(-0.08f, 0.08f)};
      branch(canvas, pose, draws, begin, side > 0 ? angle : pi - angle, draws(0.012f, 0.02f), 1, 3);
    }
  return canvas;
}

Canvas devices(int size, Draws draws) {
  Canvas canvas(size);
  const int leads = draws.chance(0.2f) ? static_cast<int>(draws(1, 4)) : 0;
  for (int i = 0; i < leads; ++i) {
    Point at{draws(-0.9f, 0.9f), draws(-1, 1)};
    float angle = draws(0, 2 * pi);
    const float curl = draws(-0.25f, 0.25f), density = draws(0.15f, 0.4f);
    canvas.line(at, at, 0.03f, 1.5f * density);  // the electrode
    for (int k = 0; k < 14; ++k) {
      angle += curl + draws(-0.1f, 0.1f);
      const Point to{at.x + 0.11f * std::cos(angle), at.y + 0.11f * std::sin(angle)};
      canvas.line(at, to, 0.006f, density);
      at = to;
    }
  }
  if (draws.chance(0.6f)) {
    const bool left = draws.chance(0.5f);  // the patient's, shown on the right
    const Point at{(left ? 1.0f : -1.0f) * draws(0.7f, 0.9f), draws(-0.92f, -0.6f)};
    const auto stroke = [&](Point a, Point b) {
      canvas.line({at.x + a.x, at.y + a.y}, {at.x + b.x, at.y + b.y}, 0.012f, 1.2f);
    };
    stroke({0, -0.06f}, {0, 0.06f});
    if (left) {
      stroke({0, 0.06f}, {0.06f, 0.06f});
    } else {
      stroke({0, -0.06f}, {0.05f, -0.055f}), stroke({0.05f, -0.055f}, {0.05f, -0.005f});
      stroke({0.05f, -0.005f}, {0, 0}), stroke({0, 0}, {0.06f, 0.06f});
    }
  }
  return canvas;
}

}  // namespace minissl::phantom
