#pragma once
#include <cstdint>
#include <vector>

#include "tensor/convolution/way.h"
#include "tensor/simd/kernels.h"

/// Shared by the files of the implicit GEMM; internal.
namespace minissl::implicit_gemm {

constexpr int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

inline int64_t panel_width() { return simd::kernels().panel(); }

/// Indices of a pixel. Division is slow compared with the work on a pixel, so they are computed once for all taps.
struct Pixel {
  int64_t n, h, w;
};

inline void find_pixels(int64_t begin, int64_t end, int64_t height, int64_t width, std::vector<Pixel>& pixels) {
  pixels.clear();
  Pixel p{begin / (height * width), begin / width % height, begin % width};
  for (int64_t i = begin; i < end; ++i) {
    pixels.push_back(p);
    if (++p.w < width) continue;
    p.w = 0;
    if (++p.h < height) continue;
    p.h = 0;
    ++p.n;
  }
}

struct Images {
  Shape shape;  // (N, H, W, C)
  int64_t row(int64_t n, int64_t h, int64_t w) const { return ((n * shape[1] + h) * shape[2] + w) * shape[3]; }
  bool has(int64_t h, int64_t w) const { return 0 <= h && h < shape[1] && 0 <= w && w < shape[2]; }
};

// implicit_gemm_gradient.cpp
void weight_gradient(const ConvolutionShapes& s, const float* dy, const float* images, float* dw);
int64_t weight_gradient_bytes(const ConvolutionShapes& s);

}  // namespace minissl::implicit_gemm
