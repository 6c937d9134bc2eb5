#pragma once
#include <array>
#include <vector>

#include "data/phantom/phantom.h"
#include "data/phantom/phantom_shapes.h"

namespace minissl::phantom {

/// Detail at one point of the image apart from the body's own shapes.
struct Detail {
  float vessel = 0;            ///< a vessel's shadow, in [0, 1]
  float cloud = 0, rough = 0;  ///< coarse and medium texture
};

/// The X-ray attenuation of a chest seen from the front. Coordinates: the spine at x = 0, the thorax within about
/// +-0.65, y downwards, lungs between about -0.7 and 0.7; the patient's left is at positive x. `turn` is how far the
/// patient is rotated: parts in front shift relative to the spine.
class Body {
 public:
  Body(Finding finding, float turn, Draws draws, Draws finding_draws, Draws opacity_draws);

  float attenuation(Point p, const Detail& detail) const;
  /// Half the width of the mediastinum above the heart, where the vessels of the lungs begin.
  float mediastinum() const { return mediastinum_; }

 private:
  struct Side {  // one half; x is measured outwards from the spine
    float wall;  // inner half width of the thorax at its widest
    float dome, dome_fall;
    float clavicle_y, clavicle_slope, clavicle_bend;
    float scapula_x, scapula;
    float breast_x, breast_y, breast_radius, breast;
    float arm_x;
  };
  struct Opacity {
    Point center{};
    float width, height, density, cosine, sine;
  };

  void draw_heart(Finding finding, Draws& draws);
  void draw_opacity(Draws& draws);

  const Side& side(float x) const { return sides_[x < 0 ? 0 : 1]; }
  float wall(const Side& s, float y) const;
  float diaphragm(const Side& s, float x) const;
  float heart_radius(Point p) const;

  // Attenuation of each part at p; x is |p.x|, wall_x the thorax's half width at that height.
  float tissue(const Side& s, float x, float y) const;
  float lung(Point p, const Side& s, float wall_x) const;
  float consolidation(Point p, float lung, float rough) const;
  float abdomen(const Side& s, float x, float y) const;
  float middle(Point p, float x) const;
  float ribs(const Side& s, float x, float y, float wall_x) const;
  float shoulder(const Side& s, float x, float y) const;

  float turn_;
  float apex_, base_, soft_tissue_, fat_, shoulder_y_, neck_;
  float rib_spacing_, rib_start_, rib_drop_, rib_, front_rib_rise_, front_rib_;
  float spine_, vertebra_, vertebra_start_, lung_, markings_;
  float aorta_y_, aorta_, mediastinum_, hilum_, stomach_, stomach_x_;
  float heart_width_, heart_height_, heart_x_, heart_y_, heart_tilt_, heart_;
  std::array<Side, 2> sides_;  // 0: the patient's right
  std::vector<Opacity> opacities_;
};

}  // namespace minissl::phantom
