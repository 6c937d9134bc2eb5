#include "tensor/convolution/implicit_gemm.h"

#include <algorithm>

#include "tensor/convolution/implicit_gemm_pixels.h"
#include "tensor/panels.h"
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

// With fewer terms or columns, splitting and packing takes longer than the faster product saves.
Panels panels_for(int64_t terms, int64_t columns) {
  return std::min(terms, columns) >= 128 ? Panels::split_if_faster() : Panels::whole();
}

// B[tap] for each tap, packed; and a block of pixels with its matrices, which stay in the second-level cache.
struct Layout {
  Panels panels;
  int64_t depth, columns, of_tap, rows, from, packed_from, to, slots, packed;

  Layout(int64_t taps, int64_t pixels, int64_t depth, int64_t columns)
      : panels(panels_for(depth, columns)), depth(depth), columns(columns) {
    of_tap = panels.floats(depth) * round_up(columns, panels.width());
    const int64_t block = panels.rows();
    rows = block * std::clamp<int64_t>((int64_t{256} << 10) / (4 * (depth + columns) * block), 4, 64);
    from = rows * depth;
    packed_from = panels.packs_rows(false) ? rows * panels.floats(depth) : 0;
    to = rows * columns;
    slots = count_slots((pixels + rows - 1) / rows, 1);
    packed = taps * of_tap;
  }
  int64_t panel_stride() const { return panels.floats(depth) * panels.width(); }
  int64_t of_slot() const { return from + packed_from + to; }
  int64_t floats() const { return packed + slots * of_slot(); }
};

Layout forward_layout(const ConvolutionShapes& s) {
  return {s.w[1] * s.w[2], s.y[0] * s.y[1] * s.y[2], s.w[3], s.w[0]};
}
Layout input_gradient_layout(const ConvolutionShapes& s) {
  const auto rounded = [&](int64_t extent) { return (extent + s.stride - 1) / s.stride; };
  return {s.w[1] * s.w[2], s.x[0] * rounded(s.x[1]) * rounded(s.x[2]), s.w[0], s.w[3]};
}

// Packs B[tap] of weights (O, KH, KW, I) for all taps: its matrix (O, I), or that transposed.
void pack_taps(const Layout& l, const Shape& w, const float* weights, bool transposed, float* packed) {
  const int64_t taps = w[1] * w[2], inputs = w[3], stride = taps * inputs;
  const int64_t width = l.panels.width(), panels = (l.columns + width - 1) / width;
  parallel_for(taps * panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const int64_t tap = n / panels, panel = n % panels, first = panel * width;
      l.panels.pack({weights + tap * inputs + first * (transposed ? stride : 1), stride}, transposed, l.depth,
                    std::min(width, l.columns - first), packed + tap * l.of_tap + panel * l.panel_stride(), 0);
    }
  });
}

void multiply_taps(const Images& from, const float* in, const Lattice& lattice, const float* packed, const Layout& l,
                   float* buffers, const Images& to, float* out, const Finish& finish) {
  const int64_t count = to.shape[0] * lattice.height * lattice.width;
  for_parts((count + l.rows - 1) / l.rows, 1, [&](int64_t slot, int64_t first, int64_t last) {
    float *a = buffers + slot * l.of_slot(), *packed_a = a + l.from, *c = packed_a + l.packed_from;
    std::vector<Pixel> pixels;
    for (int64_t b = first; b < last; ++b) {
      find_pixels(b * l.rows, std::min(count, (b + 1) * l.rows), lattice.height, lattice.width, pixels);
      const auto rows = static_cast<int64_t>(pixels.size());
      std::fill_n(c, rows * l.columns, 0.0f);
      for (const Tap& tap : lattice.taps) {
        float* row = a;
        for (const Pixel& p : pixels) {
          const int64_t h = p.h * lattice.scale + tap.shift_h, w = p.w * lattice.scale + tap.shift_w;
          if (from.has(h, w))
            std::copy_n(in + from.row(p.n, h, w), l.depth, row);
          else
            std::fill_n(row, l.depth, 0.0f);
          row += l.depth;
        }
        l.panels.multiply(rows, l.columns, l.depth, l.panels.pack_rows({a, l.depth}, false, rows, l.depth, packed_a),
                          {packed + tap.number * l.of_tap, l.panel_stride(), l.panels.width()}, c, l.columns,
                          {c, l.columns});
      }
      const float* row = c;
      for (const Pixel& p : pixels) {
        const int64_t at = to.row(p.n, lattice.first_h + lattice.step * p.h, lattice.first_w + lattice.step * p.w);
        std::copy_n(row, l.columns, out + at);
        if (finish) finish.apply(out, at, 0, l.columns);
        row += l.columns;
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
  const Layout l = forward_layout(s);
  Workspace workspace(l.floats());
  float* packed = workspace.take(l.packed);
  pack_taps(l, w, weights, true, packed);
  Lattice lattice{0, 0, 1, y[1], y[2], stride, {}};
  for (int64_t kh = 0; kh < w[1]; ++kh)
    for (int64_t kw = 0; kw < w[2]; ++kw) lattice.taps.push_back({kh * w[2] + kw, kh - padding, kw - padding});
  multiply_taps({x}, images, lattice, packed, l, workspace.take(l.slots * l.of_slot()), {y}, out, finish);
}

void input_gradient(const ConvolutionShapes& s, const float* dy, const float* weights, float* dx) {
  const auto& [x, w, y, stride, padding] = s;
  const Layout l = input_gradient_layout(s);
  Workspace workspace(l.floats());
  float* packed = workspace.take(l.packed);
  float* buffers = workspace.take(l.slots * l.of_slot());
  pack_taps(l, w, weights, false, packed);
  for (int64_t h = 0; h < std::min(stride, x[1]); ++h)
    for (int64_t v = 0; v < std::min(stride, x[2]); ++v)
      multiply_taps({y}, dy, input_lattice(x, w, stride, padding, h, v), packed, l, buffers, {x}, dx, {});
}

int64_t forward_bytes(const ConvolutionShapes& s) { return 4 * forward_layout(s).floats(); }
int64_t input_gradient_bytes(const ConvolutionShapes& s) { return 4 * input_gradient_layout(s).floats(); }

bool applies_to(const ConvolutionShapes& s) { return applies(s.w); }

}  // namespace

bool applies(const Shape& w) { return w[0] % 16 == 0 && w[3] % 16 == 0; }

constinit const Way way{"implicit GEMM",      applies_to,           forward,
                        input_gradient,       weight_gradient,      forward_bytes,
                        input_gradient_bytes, weight_gradient_bytes};

}  // namespace minissl::implicit_gemm
