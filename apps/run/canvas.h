#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace minissl {

struct Colour {
  uint8_t red = 0, green = 0, blue = 0;
};

/// Pixels from the top left corner; pixel (0, 0) covers 0 to 1.
struct Point {
  float x = 0, y = 0;
};

enum class Align { left, centre, right };

/// An RGB image with anti-aliased lines and text. Drawing is clipped to the image.
class Canvas {
 public:
  Canvas(int width, int height, Colour background);

  int width() const { return width_; }
  int height() const { return height_; }
  void rectangle(Point top_left, Point bottom_right, Colour colour);
  /// Straight segments through the points, with round joins and ends. Overlapping segments don't add up.
  void polyline(const std::vector<Point>& points, float thickness, Colour colour);
  void disc(Point centre, float radius, Colour colour) { polyline({centre}, 2 * radius, colour); }
  /// UTF-8 text in the embedded font; `size` is the line height. `anchor` lies on the baseline.
  void text(Point anchor, std::string_view text, float size, Colour colour, Align align = Align::left);
  /// The image: u8 (H, W, 3).
  const Tensor& pixels() const { return pixels_; }

 private:
  void blend(int x, int y, float coverage, Colour colour);

  int width_, height_;
  Tensor pixels_;
  uint8_t* bytes_;  // of pixels_
};

}  // namespace minissl
