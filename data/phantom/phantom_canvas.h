#pragma once
#include <vector>

#include "data/phantom/phantom_shapes.h"

namespace minissl::phantom {

/// The patient's pose: maps body coordinates (data/phantom/phantom_body.h) to the detector's, [-1, 1]^2.
class Pose {
 public:
  explicit Pose(Draws draws);
  Point detector(Point body) const;
  Point body(Point detector) const;
  float turn() const { return turn_; }

 private:
  float x0_, xx_, xy_, y0_, yx_, yy_, determinant_, bend_, turn_;
};

/// An image of thin structures, with values of 0 and above.
class Canvas {
 public:
  explicit Canvas(int size) : size_(size), values_(static_cast<size_t>(size * size)) {}
  /// A round thread between two points of the detector; fainter if thinner than a pixel.
  void line(Point a, Point b, float radius, float density);
  float at(int x, int y) const { return values_[static_cast<size_t>(y * size_ + x)]; }

 private:
  int size_;
  std::vector<float> values_;
};

/// The vessels that branch from the roots of the lungs, at distance `root` from the spine; density 1 at their start.
Canvas vessels(int size, float root, const Pose& pose, Draws draws);

/// Leads, electrodes, and the marker for left or right.
Canvas devices(int size, Draws draws);

}  // namespace minissl::phantom
