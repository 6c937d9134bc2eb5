#include "apps/run/canvas.h"

#include <algorithm>
#include <cmath>

#define STB_TRUETYPE_IMPLEMENTATION
#define STBTT_STATIC
#include <stb/stb_truetype.h>

#include "apps/run/assets.h"
#include "tensor/error.h"

namespace minissl {
namespace {

const stbtt_fontinfo& font() {
  static const stbtt_fontinfo info = [] {
    stbtt_fontinfo loaded;
    const auto* bytes = reinterpret_cast<const unsigned char*>(assets::font().data());
    require(stbtt_InitFont(&loaded, bytes, stbtt_GetFontOffsetForIndex(bytes, 0)) != 0,
            "the font that was built in is not a TrueType font; build with another CHART_FONT");
    return loaded;
  }();
  return info;
}

/// Removes the next code point from `text` and returns it; a byte that isn't UTF-8 gives the replacement character.
int next_code_point(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const size_t length = first < 0x80 ? 1 : first >> 5 == 0x6 ? 2 : first >> 4 == 0xe ? 3 : first >> 3 == 0x1e ? 4 : 0;
  int code = length <= 1 ? first : first & (0x7f >> length);
  bool valid = length > 0 && length <= text.size();
  for (size_t i = 1; valid && i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    valid = byte >> 6 == 2;
    code = code << 6 | (byte & 0x3f);
  }
  text.remove_prefix(valid ? length : 1);
  return valid ? code : 0xfffd;
}

float advance_of(int code_point, float scale) {
  int advance = 0, bearing = 0;
  stbtt_GetCodepointHMetrics(&font(), code_point, &advance, &bearing);
  return static_cast<float>(advance) * scale;
}

float distance_to_piece(Point p, Point a, Point b) {
  const float dx = b.x - a.x, dy = b.y - a.y, length_squared = dx * dx + dy * dy;
  const float t =
      length_squared > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length_squared, 0.0f, 1.0f) : 0.0f;
  return std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

}  // namespace

Canvas::Canvas(int width, int height, Colour background)
    : width_(width),
      height_(height),
      pixels_(Tensor::empty({height, width, 3}, DType::u8)),
      bytes_(pixels_.mutable_data<uint8_t>()) {
  rectangle({0, 0}, {static_cast<float>(width), static_cast<float>(height)}, background);
}

void Canvas::rectangle(Point top_left, Point bottom_right, Colour colour) {
  const auto span_of = [](float from, float to, int pixel) {
    return std::clamp(std::min(to, static_cast<float>(pixel + 1)) - std::max(from, static_cast<float>(pixel)), 0.0f,
                      1.0f);
  };
  for (int y = std::max(0, static_cast<int>(top_left.y));
       y < std::min<float>(static_cast<float>(height_), bottom_right.y); ++y)
    for (int x = std::max(0, static_cast<int>(top_left.x));
         x < std::min<float>(static_cast<float>(width_), bottom_right.x); ++x)
      blend(x, y, span_of(top_left.x, bottom_right.x, x) * span_of(top_left.y, bottom_right.y, y), colour);
}

void Canvas::polyline(const std::vector<Point>& points, float thickness, Colour colour) {
  if (points.empty()) return;
  const float reach = thickness / 2 + 0.5f;
  float top = points[0].y, bottom = points[0].y, left = points[0].x, right = points[0].x;
  for (const Point& point : points) {
    top = std::min(top, point.y);
    bottom = std::max(bottom, point.y);
    left = std::min(left, point.x);
    right = std::max(right, point.x);
  }
  const int x0 = std::max(0, static_cast<int>(left - reach)),
            x1 = std::min(width_, static_cast<int>(right + reach) + 1);
  const int y0 = std::max(0, static_cast<int>(top - reach)),
            y1 = std::min(height_, static_cast<int>(bottom + reach) + 1);
  if (x0 >= x1 || y0 >= y1) return;

  // A pixel's coverage is that of the nearest segment: the union of the segments, not their sum.
  std::vector<float> coverage(static_cast<size_t>(x1 - x0) * static_cast<size_t>(y1 - y0), 0.0f);
  for (size_t i = 0; i + 1 < std::max<size_t>(points.size(), 2); ++i) {
    const Point a = points[i], b = points[std::min(i + 1, points.size() - 1)];
    const int from_x = std::max(x0, static_cast<int>(std::min(a.x, b.x) - reach));
    const int to_x = std::min(x1, static_cast<int>(std::max(a.x, b.x) + reach) + 1);
    const int from_y = std::max(y0, static_cast<int>(std::min(a.y, b.y) - reach));
    const int to_y = std::min(y1, static_cast<int>(std::max(a.y, b.y) + reach) + 1);
    for (int y = from_y; y < to_y; ++y)
      for (int x = from_x; x < to_x; ++x) {
        const Point middle{static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f};
        float& covered =
            coverage[static_cast<size_t>(y - y0) * static_cast<size_t>(x1 - x0) + static_cast<size_t>(x - x0)];
        covered = std::max(covered, std::clamp(reach - distance_to_piece(middle, a, b), 0.0f, 1.0f));
      }
  }
  size_t at = 0;
  for (int y = y0; y < y1; ++y)
    for (int x = x0; x < x1; ++x) blend(x, y, coverage[at++], colour);
}

void Canvas::text(Point anchor, std::string_view text, float size, Colour colour, Align align) {
  const float scale = stbtt_ScaleForPixelHeight(&font(), size);
  float width = 0;
  for (std::string_view rest = text; !rest.empty();) width += advance_of(next_code_point(rest), scale);
  float pen = anchor.x - (align == Align::left ? 0 : align == Align::right ? width : width / 2);
  std::vector<unsigned char> glyph;
  while (!text.empty()) {
    const int code_point = next_code_point(text);
    const float whole = std::floor(pen), shift = pen - whole;
    int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
    stbtt_GetCodepointBitmapBoxSubpixel(&font(), code_point, scale, scale, shift, 0, &x0, &y0, &x1, &y1);
    glyph.assign(static_cast<size_t>((x1 - x0) * (y1 - y0)), 0);
    if (!glyph.empty())
      stbtt_MakeCodepointBitmapSubpixel(&font(), glyph.data(), x1 - x0, y1 - y0, x1 - x0, scale, scale, shift, 0,
                                        code_point);
    size_t at = 0;
    for (int y = y0; y < y1; ++y)
      for (int x = x0; x < x1; ++x)
        blend(static_cast<int>(whole) + x, static_cast<int>(std::round(anchor.y)) + y,
              static_cast<float>(glyph[at++]) / 255, colour);
    pen += advance_of(code_point, scale);
  }
}

void Canvas::blend(int x, int y, float coverage, Colour colour) {
  if (x < 0 || y < 0 || x >= width_ || y >= height_ || coverage <= 0) return;
  uint8_t* pixel = bytes_ + (static_cast<int64_t>(y) * width_ + x) * 3;
  const auto mix = [coverage](uint8_t under, uint8_t over) {
    return static_cast<uint8_t>(
        std::lround(static_cast<float>(under) * (1 - coverage) + static_cast<float>(over) * coverage));
  };
  pixel[0] = mix(pixel[0], colour.red);
  pixel[1] = mix(pixel[1], colour.green);
  pixel[2] = mix(pixel[2], colour.blue);
}

}  // namespace minissl
