#include "tensor/convolution/implicit_gemm.h"

#include <algorithm>

#include "tensor/convolution/implicit_gemm_pixels.h"
#include "tensor/parallel.h"
#include "tensor/workspace.h"

// Both the convolution and its input gradient compute each pixel of the result as a sum over taps:
//   to(pixel) (columns) = sum over taps of from(pixel of the tap) (depth) times B[tap] (depth, columns)
// A block of pixels is computed tap by tap: rows of `from` are gathered into a matrix, which is multiplied by B[tap] in
// panels of as many columns as fit the registers.
namespace minissl::implicit_gemm {
namespace {

struct Tap {
  int64_t number;            // in the kernel
  int64_t shift_h, shift_w;  // of its pixel
};

// Pixels of the result whose taps have the same places relative to them in the other image: all pixels of an output, or
// every stride-th pixel of an input in both directions. Pixel (i, j) of them is at
// (first_h + step * i, first_w + step * j), and a tap reads the pixel (i, j) * scale + shift.
struct Lattice {
  int64_t first_h, first_w, step, height, width, scale;
  std::vector<Tap> taps;
};

// A block of pixels and its two matrices stay in the second-level cache.
struct BlockLayout {
  int64_t rows, from, to, slots;

  BlockLayout(int64_t pixels, int64_t depth, int64_t columns) {
    const int64_t block = simd::kernels().max_rows;
    rows = block * std::clamp<int64_t>((int64_t{256} << 10) / (4 * (depth + columns) * block), 4, 64);
    from = rows * depth;
    to = rows * columns;
    slots = count_slots(blocks(pixels), 1);
  }
  int64_t blocks(int64_t pixels) const { return (pixels + rows - 1) / rows; }
  int64_t floats() const { return slots * (from + to); }
};

int64_t packed_floats(const Shape& w, int64_t depth, int64_t columns) {
  return w[1] * w[2] * depth * round_up(columns, panel_width());
}

// Calls f(tap, first column, columns, where the panel goes) for each panel of each B[tap], (depth, panel) in memory.
template <class F>
void for_each_panel(const Shape& w, int64_t depth, int64_t columns, float* packed, F&& f) {
  const int64_t panel = panel_width(), panels = (columns + panel - 1) / panel;
  parallel_for(w[1] * w[2] * panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const int64_t first = n % panels * panel;
      f(n / panels, first, std::min(panel, columns - first), packed + n * depth * panel);
    }
  });
}

void multiply_taps(const Images& from, const float* in, const Lattice& lattice, const float* packed,
                   const BlockLayout& l, float* buffers, const Images& to, float* out, const Finish& finish) {
  const simd::Kernels& k = simd::kernels();
  const int64_t depth = from.shape[3], columns = to.shape[3], panel = panel_width();
  const int64_t panels = (columns + panel - 1) / panel;
  const int64_t count = to.shape[0] * lattice.height * lattice.width;
  for_parts(l.blocks(count), 1, [&](int64_t slot, int64_t first, int64_t last) {
    float *a = buffers + slot * (l.from + l.to), *c = a + l.from;
    std::vector<Pixel> pixels;
    for (int64_t b = first; b < last; ++b) {
      find_pixels(b * l.rows, std::min(count, (b + 1) * l.rows), lattice.height, lattice.width, pixels);
      const auto rows = static_cast<int64_t>(pixels.size());
      std::fill_n(c, rows * columns, 0.0f);
      for (const Tap& tap : lattice.taps) {
        float* row = a;
        for (const Pixel& p : pixels) {
          const int64_t h = p.h * lattice.scale + tap.shift_h, w = p.w * lattice.scale + tap.shift_w;
          if (from.has(h, w))
            std::copy_n(in + from.row(p.n, h, w), depth, row);
          else
            std::fill_n(row, depth, 0.0f);
          row += depth;
        }
        for (int64_t p = 0; p < panels; ++p)
          k.multiply(rows, std::min(panel, columns - p * panel), depth, a, depth,
                     packed + (tap.number * panels + p) * depth * panel, panel, c + p * panel, columns,
                     {c + p * panel, columns});
      }
      const float* row = c;
      for (const Pixel& p : pixels) {
        const int64_t at = to.row(p.n, lattice.first_h + lattice.step * p.h, lattice.first_w + lattice.step * p.w);
        std::copy_n(row, columns, out + at);
        if (finish) finish.apply(out, at, 0, columns);
        row += columns;
      }
    }
  });
}

// The pixels of the input that have the same remainder modulo the stride as (first_h, first_w), and their taps.
Lattice input_lattice(const Shape& x, const Shape& w, int64_t stride, int64_t padding, int64_t first_h,
                      int64_t first_w) {
  Lattice l{first_h, first_w, stride, (x[1] - first_h + stride - 1) / stride, (x[2] - first_w + stride - 1) / stride,
            1,       {}};
  for (int64_t kh = 0; kh < w[1]; ++kh)
    for (int64_t kw = 0; kw < w[2]; ++kw) {
      const int64_t h = first_h + padding - kh, v = first_w + padding - kw;
      if (h % stride == 0 && v % stride == 0) l.taps.push_back({kh * w[2] + kw, h / stride, v / stride});
    }
  return l;
}

void forward(const ConvolutionShapes& s, const float* images, const float* weights, float* out, const Finish& finish) {
  const auto& [x, w, y, stride, padding] = s;
  const int64_t taps = w[1] * w[2], depth = w[3], columns = w[0];
  const BlockLayout l(y[0] * y[1] * y[2], depth, columns);
  Workspace workspace(packed_floats(w, depth, columns) + l.floats());
  float* packed = workspace.take(packed_floats(w, depth, columns));
  for_each_panel(w, depth, columns, packed, [&](int64_t tap, int64_t first, int64_t count, float* to) {
    const simd::Kernels& k = simd::kernels();
    for (int64_t c = 0; c < count; c += k.width)
      for (int64_t d = 0; d < depth; d += k.width)
        k.transpose(weights + ((first + c) * taps + tap) * depth + d, taps * depth, to + d * panel_width() + c,
                    panel_width());
  });
  Lattice lattice{0, 0, 1, y[1], y[2], stride, {}};
  for (int64_t kh = 0; kh < w[1]; ++kh)
    for (int64_t kw = 0; kw < w[2]; ++kw) lattice.taps.push_back({kh * w[2] + kw, kh - padding, kw - padding});
  multiply_taps({x}, images, lattice, packed, l, workspace.take(l.floats()), {y}, out, finish);
}

void input_gradient(const ConvolutionShapes& s, const float* dy, const float* weights, float* dx) {
  const auto& [x, w, y, stride, padding] = s;
  const int64_t taps = w[1] * w[2], depth = w[0], columns = w[3];
  const BlockLayout l(x[0] * ((x[1] + stride - 1) / stride) * ((x[2] + stride - 1) / stride), depth, columns);
  Workspace workspace(packed_floats(w, depth, columns) + l.floats());
  float* packed = workspace.take(packed_floats(w, depth, columns));
  float* buffers = workspace.take(l.floats());
  for_each_panel(w, depth, columns, packed, [&](int64_t tap, int64_t first, int64_t count, float* to) {
    for (int64_t d = 0; d < depth; ++d)
      std::copy_n(weights + (d * taps + tap) * columns + first, count, to + d * panel_width());
  });
  for (int64_t h = 0; h < std::min(stride, x[1]); ++h)
    for (int64_t v = 0; v < std::min(stride, x[2]); ++v)
      multiply_taps({y}, dy, input_lattice(x, w, stride, padding, h, v), packed, l, buffers, {x}, dx, {});
}

int64_t forward_bytes(const ConvolutionShapes& s) {
  const Shape &w = s.w, &y = s.y;
  return 4 * (packed_floats(w, w[3], w[0]) + BlockLayout(y[0] * y[1] * y[2], w[3], w[0]).floats());
}

int64_t input_gradient_bytes(const ConvolutionShapes& s) {
  const auto& [x, w, y, stride, padding] = s;
  const int64_t pixels = x[0] * ((x[1] + stride - 1) / stride) * ((x[2] + stride - 1) / stride);
  return 4 * (packed_floats(w, w[0], w[3]) + BlockLayout(pixels, w[0], w[3]).floats());
}

bool applies_to(const ConvolutionShapes& s) { return applies(s.w); }

}  // namespace

bool applies(const Shape& w) { return w[0] % 16 == 0 && w[3] % 16 == 0; }

constinit const Way way{"implicit GEMM",      applies_to,           forward,
                        input_gradient,       weight_gradient,      forward_bytes,
                        input_gradient_bytes, weight_gradient_bytes};

}  // namespace minissl::implicit_gemm
