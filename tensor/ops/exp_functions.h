#pragma once
#include <bit>
#include <cmath>
#include <cstdint>

#include "tensor/host_device.h"

namespace minissl::ops {

/// e^x. For float it is arithmetic alone, so that a loop of them becomes vector instructions, which a loop of calls to
/// the library does not: x = n ln 2 + r with |r| <= ln 2 / 2 (Cody and Waite 1980, chapter 6), e^r by its Taylor series
/// up to r^7, and 2^n put into the exponent. Off by 2 units in the last place at most; 0 below -87, infinity above 88.
MINISSL_HD inline float fast_exp(float x) {
  constexpr float low = -87, high = 88, log2_e = 1.44269504F, ln2_upper = 0.693359375F, ln2_rest = -2.12194440e-4F;
  constexpr float to_integer = 0x1.8p23F;  // numbers of this size have no fraction, and their last bits are n
  const float bounded = x < low ? low : (x > high ? high : x);  // NaN stays
  const float shifted = bounded * log2_e + to_integer, n = shifted - to_integer;
  const float r = (bounded - n * ln2_upper) - n * ln2_rest;
  float y = 1.0F / 5040;
  y = y * r + 1.0F / 720;
  y = y * r + 1.0F / 120;
  y = y * r + 1.0F / 24;
  y = y * r + 1.0F / 6;
  y = y * r + 0.5F;
  y = y * r + 1;
  y = y * r + 1;
  const auto power = std::bit_cast<float>((std::bit_cast<uint32_t>(shifted) + 127U) << 23U);
  y *= power;
  return x < low ? 0.0F : (x > high ? HUGE_VALF : y);
}

MINISSL_HD inline double fast_exp(double x) { return std::exp(x); }

}  // namespace minissl::ops
