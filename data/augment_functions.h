#pragma once
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "data/luma.h"
#include "tensor/host_device.h"
#include "tensor/random.h"

/// The arithmetic of augmentation, one pixel at a time, shared by CPU loops and CUDA kernels. Values are in [0, 1].
/// The colour functions match torchvision's (transforms/_functional_tensor.py).
namespace minissl {

/// Maps an output pixel back into the source: the centre of pixel (x, y) comes from
///   (x0 + xx * (x + 1/2) + xy * (y + 1/2), y0 + yx * (x + 1/2) + yy * (y + 1/2)),
/// in source pixels, where (0, 0) is the image's corner. One output pixel covers scale_x by scale_y source pixels.
struct InverseMap {
  float x0, xx, xy;
  float y0, yx, yy;
  float scale_x, scale_y;
};

MINISSL_HD inline float smaller(float a, float b) { return a < b ? a : b; }
MINISSL_HD inline float larger(float a, float b) { return a > b ? a : b; }
MINISSL_HD inline float clamp01(float v) { return smaller(larger(v, 0.0f), 1.0f); }

/// A source element as a number in [0, 1].
MINISSL_HD inline float intensity(uint8_t v) { return static_cast<float>(v) * (1.0f / 255.0f); }
MINISSL_HD inline float intensity(float v) { return v; }

/// The source pixels along one axis that contribute to an output pixel. The weights are a triangle filter as wide as
/// the output pixel is in the source (at least bilinear), cut off and renormalised at the image's border, like the
/// antialiasing of Pillow's resize and of torchvision's with antialias=True.
struct FilterTaps {
  int begin = 0, end = 0;
  float center = 0, slope = 0;
  float coverage = 0;  // fraction of the output pixel within the image, divided by the sum of the weights

  MINISSL_HD FilterTaps(float position, float scale, int extent) {
    const float inside = clamp01(0.5f + smaller(position, static_cast<float>(extent) - position) / scale);
    if (!(inside > 0)) return;
    const float support = larger(scale, 1.0f);
    begin = static_cast<int>(larger(position - support + 0.5f, 0.0f));
    end = static_cast<int>(smaller(position + support + 0.5f, static_cast<float>(extent)));
    center = position - 0.5f;
    slope = 1 / support;
    float sum = 0;
    for (int i = begin; i < end; ++i) sum += weight(i);
    coverage = sum > 0 ? inside / sum : 0;
  }
  MINISSL_HD float weight(int i) const {
    return larger(0.0f, 1.0f - std::fabs(static_cast<float>(i) - center) * slope);
  }
};

/// One output pixel of a crop, rotation and flip of (height, width, C) `pixels`. Rotation is around the crop's centre,
/// so corners show pixels outside the crop, and black outside the image.
template <int C, class T>
MINISSL_HD inline void sample_pixel(const T* pixels, int height, int width, const InverseMap& map, int x, int y,
                                    float* out) {
  const float px = static_cast<float>(x) + 0.5f, py = static_cast<float>(y) + 0.5f;
  const FilterTaps columns(map.x0 + map.xx * px + map.xy * py, map.scale_x, width);
  const FilterTaps rows(map.y0 + map.yx * px + map.yy * py, map.scale_y, height);
  float sum[C] = {};
  for (int j = rows.begin; j < rows.end; ++j) {
    const T* row = pixels + static_cast<int64_t>(j) * width * C;
    float row_sum[C] = {};
    for (int i = columns.begin; i < columns.end; ++i) {
      const float weight = columns.weight(i);
      for (int c = 0; c < C; ++c) row_sum[c] += weight * intensity(row[i * C + c]);
    }
    const float weight = rows.weight(j);
    for (int c = 0; c < C; ++c) sum[c] += weight * row_sum[c];
  }
  const float coverage = columns.coverage * rows.coverage;
  for (int c = 0; c < C; ++c) out[c] = coverage * sum[c];
}

template <int C>
MINISSL_HD inline float gray(const float* pixel) {
  if constexpr (C == 1)
    return pixel[0];
  else
    return luma_red * pixel[0] + luma_green * pixel[1] + luma_blue * pixel[2];
}

/// factor * v + (1 - factor) * other, where `other` is black for brightness, the view's mean gray for contrast and the
/// pixel's gray for saturation.
MINISSL_HD inline float blend(float v, float other, float factor) { return clamp01(factor * v + (1 - factor) * other); }

/// Rotates an RGB pixel's hue by `turns` full turns.
MINISSL_HD inline void turn_hue(float* rgb, float turns) {
  const float r = rgb[0], g = rgb[1], b = rgb[2];
  const float value = larger(r, larger(g, b)), chroma = value - smaller(r, smaller(g, b));
  if (!(chroma > 0)) return;
  float sector = value == r ? (g - b) / chroma : value == g ? 2 + (b - r) / chroma : 4 + (r - g) / chroma;
  sector += 6 * turns;
  sector -= 6 * std::floor(sector / 6);
  const float offsets[3] = {5, 3, 1};  // value - chroma * max(0, min(k, 4 - k, 1)), k = (offset + sector) mod 6
  for (int c = 0; c < 3; ++c) {
    float k = offsets[c] + sector;
    if (k >= 6) k -= 6;
    rgb[c] = value - chroma * clamp01(smaller(k, 4 - k));
  }
}

MINISSL_HD inline float solarize(float v) { return v >= 0.5f ? 1 - v : v; }

/// Quantum noise: the variance of a photon count is proportional to the count. `normal` is a standard normal number.
MINISSL_HD inline float add_noise(float v, float normal, float deviation) {
  return clamp01(v + deviation * std::sqrt(larger(v, 0.0f)) * normal);
}

/// ln(k / 2^24) for a whole number k in [1, 2^24], to 2 units in the last place. Without branches or calls, so that
/// loops vectorise: the polynomial of Cephes' logf (Moshier, 1992) on [sqrt(1/2), sqrt(2)).
MINISSL_HD inline float log_of_fraction(uint32_t k) {
  constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
  const auto bits = std::bit_cast<uint32_t>(static_cast<float>(k));
  const float significand = std::bit_cast<float>((bits & 0x007fffffu) | 0x3f800000u);  // in [1, 2)
  const bool halve = significand > std::numbers::sqrt2_v<float>;
  const float exponent = static_cast<float>(static_cast<int32_t>(bits >> 23) - 127 - 24) + (halve ? 1.0f : 0.0f);
  const float x = significand * (halve ? 0.5f : 1.0f) - 1;
  float p = 7.0376836292e-2f;
  for (const float c : {-1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                        2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f})
    p = p * x + c;
  return x + (x * x * (p * x - 0.5f) + exponent * ln2_low) + exponent * ln2_high;
}

/// Cosine and sine of k / 2^24 of a full turn, for k below 2^24: polynomials of Cephes' sinf and cosf on an eighth of a
/// turn to either side of the nearest quarter.
MINISSL_HD inline void cos_sin_of_turn(uint32_t k, float& cosine, float& sine) {
  const auto quarter = static_cast<int32_t>((k + (1u << 21)) >> 22);
  const float angle = static_cast<float>(static_cast<int32_t>(k) - (quarter << 22)) *
                      (std::numbers::pi_v<float> / static_cast<float>(1 << 23));
  const float z = angle * angle;
  const float s = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * angle + angle;
  const float c =
      ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1;
  const bool odd = (quarter & 1) != 0;
  cosine = (odd ? s : c) * (((quarter + 1) & 2) != 0 ? -1.0f : 1.0f);
  sine = (odd ? c : s) * ((quarter & 2) != 0 ? -1.0f : 1.0f);
}

/// Four standard normal numbers from 128 random bits (Box-Muller).
MINISSL_HD inline void normal4(const std::array<uint32_t, 4>& bits, float* out) {
  for (size_t k = 0; k < 4; k += 2) {
    const float radius = std::sqrt(-2.0f * log_of_fraction((bits[k] >> 8) + 1));
    float cosine = 0, sine = 0;
    cos_sin_of_turn(bits[k + 1] >> 8, cosine, sine);
    out[k] = radius * cosine;
    out[k + 1] = radius * sine;
  }
}

/// Number of taps of a Gaussian blur on each side of the centre.
MINISSL_HD inline int blur_radius(float sigma) { return static_cast<int>(std::ceil(3 * sigma)); }
/// Unnormalised.
MINISSL_HD inline float gaussian(int offset, float sigma) {
  const float t = static_cast<float>(offset) / sigma;
  return std::exp(-0.5f * t * t);
}
/// Maps index i into a line of n elements by mirroring at the ends, which are not repeated (torchvision's "reflect").
MINISSL_HD inline int reflect(int i, int n) {
  if (n == 1) return 0;
  const int period = 2 * (n - 1);
  i %= period;
  if (i < 0) i += period;
  return i < n ? i : period - i;
}

}  // namespace minissl
