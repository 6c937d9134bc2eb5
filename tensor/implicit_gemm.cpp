#include "tensor/implicit_gemm.h"

#include <algorithm>
#include <array>
#include <vector>

#include "tensor/parallel.h"
#include "tensor/simd/kernels.h"
#include "tensor/workspace.h"

// Both the convolution and its input gradient are, for each pixel of the result, a sum over taps:
//   to(pixel) (columns) = sum over taps of from(pixel of the tap) (depth) times B[tap] (depth, columns)
// Blocks of pixels go tap by tap: rows of `from` are gathered to a matrix, and multiplied with B[tap] in panels of as
// many columns as registers hold.
namespace minissl::implicit_gemm {
namespace {

constexpr int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

int64_t panel_width() { return 2 * simd::kernels().width; }

// Where a pixel is: division is slow beside what is done with one, so this is found out once for all taps.
struct Pixel {
  int64_t n, h, w;
};

void find_pixels(int64_t begin, int64_t end, int64_t height, int64_t width, std::vector<Pixel>& pixels) {
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

struct Tap {
  int64_t number;            // in the kernel
  int64_t shift_h, shift_w;  // of its pixel
};

// Pixels of the result whose taps meet the other image in the same places: all of an output's, or every stride-th of an
// input's in both directions. Number (i, j) is the pixel (first_h + step * i, first_w + step * j), and a tap meets
// (i, j) * scale + shift.
struct Lattice {
  int64_t first_h, first_w, step, height, width, scale;
  std::vector<Tap> taps;
};

struct Images {
  Shape shape;  // (N, H, W, C)
  int64_t row(int64_t n, int64_t h, int64_t w) const { return ((n * shape[1] + h) * shape[2] + w) * shape[3]; }
  bool has(int64_t h, int64_t w) const { return 0 <= h && h < shape[1] && 0 <= w && w < shape[2]; }
};

// A block of pixels and its two matrices stay in the second-level cache.
struct BlockLayout {
  int64_t rows, from, to, blocks, parts;

  BlockLayout(int64_t pixels, int64_t depth, int64_t columns) {
    const int64_t block = simd::kernels().max_rows;
    rows = block * std::clamp<int64_t>((int64_t{256} << 10) / (4 * (depth + columns) * block), 4, 64);
    from = rows * depth;
    to = rows * columns;
    blocks = (pixels + rows - 1) / rows;
    parts = count_parts(blocks, 1);
  }
  int64_t floats() const { return parts * (from + to); }
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
                   const BlockLayout& l, float* buffers, const Images& to, float* out) {
  const simd::Kernels& k = simd::kernels();
  const int64_t depth = from.shape[3], columns = to.shape[3], panel = panel_width();
  const int64_t panels = (columns + panel - 1) / panel;
  const int64_t count = to.shape[0] * lattice.height * lattice.width;
  for_parts((count + l.rows - 1) / l.rows, 1, [&](int64_t part, int64_t first, int64_t last) {
    float *a = buffers + part * (l.from + l.to), *c = a + l.from;
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
                     packed + (tap.number * panels + p) * depth * panel, panel, c + p * panel, columns, true);
      }
      const float* row = c;
      for (const Pixel& p : pixels) {
        std::copy_n(row, columns,
                    out + to.row(p.n, lattice.first_h + lattice.step * p.h, lattice.first_w + lattice.step * p.w));
        row += columns;
      }
    }
  });
}

// The weight gradient is one product, dy (pixels, O) transposed times the patches (pixels, KH KW I). A few pixels at a
// time, a thread gathers columns of the patches in panels, which stay in the second-level cache, and multiplies them
// with its part of dy.
struct GradientLayout {
  // Pixels that a product adds up at a time: a column of both factors stays in the first-level cache.
  static constexpr int64_t depth = 192;
  int64_t columns, panel, panels, chunk, group, dy_row, turn, dy, patches, parts, output_parts;

  explicit GradientLayout(const Shape& w) {
    const int64_t block = simd::kernels().max_rows;
    columns = w[1] * w[2] * w[3];
    panel = panel_width();
    panels = (columns + panel - 1) / panel;
    // Threads share the panels, and the output channels where there are more threads than panels.
    const int64_t panel_parts = std::min<int64_t>(threads(), panels);
    output_parts = std::clamp<int64_t>(threads() / panel_parts, 1, w[0] / block + 1);
    parts = count_parts(panel_parts * output_parts, 1);
    chunk = std::min((panels + panel_parts - 1) / panel_parts, 256 / panel);
    group = round_up(128, block);
    // Rows a power of two apart would fall into a few sets of the caches.
    dy_row = w[0] + 16;
    turn = depth * std::clamp<int64_t>((int64_t{1} << 20) / (4 * depth * dy_row), 1, 16);
    dy = turn * dy_row;
    patches = chunk * panel * depth;
  }
  int64_t floats() const { return dy + parts * patches; }
};

// Patches of a convolution's input as the rows of a matrix (pixels of the output, KH KW I).
class Patches {
 public:
  Patches(const Shape& x, const Shape& w, int64_t stride, int64_t padding, const float* images)
      : x_{x}, w_(w), stride_(stride), padding_(padding), images_(images) {}

  // Channels of one tap, which is at (h, w) from the pixel, and where they go in the panels.
  struct Run {
    int64_t h, w, channel, to;
  };
  static constexpr int64_t run = 16;  // channels

  // Of columns [first, last), in panels that are (depth, panel) each.
  std::vector<Run> runs_of(int64_t first, int64_t last, int64_t panel, int64_t depth) const {
    std::vector<Run> runs;
    for (int64_t c = first; c < last; c += run) {
      const int64_t tap = c / w_[3], at = c - first;
      runs.push_back(
          {tap / w_[2] - padding_, tap % w_[2] - padding_, c % w_[3], at / panel * panel * depth + at % panel});
    }
    return runs;
  }

  void gather(const std::vector<Pixel>& pixels, const std::vector<Run>& runs, int64_t panel, float* to) const {
    for (const Pixel& p : pixels) {
      for (const Run& r : runs) {
        const int64_t h = p.h * stride_ + r.h, w = p.w * stride_ + r.w;
        std::copy_n(x_.has(h, w) ? images_ + x_.row(p.n, h, w) + r.channel : zeros.data(), run, to + r.to);
      }
      to += panel;
    }
  }

 private:
  static constexpr std::array<float, run> zeros{};

  Images x_;
  Shape w_;
  int64_t stride_, padding_;
  const float* images_;
};

// Of the input's pixels, those that taps meet at the same remainder of the stride.
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

}  // namespace

bool applies(const Shape& w, int64_t stride) { return stride > 1 && w[0] % 16 == 0 && w[3] % 16 == 0; }

void convolution(const Shape& x, const Shape& w, const Shape& y, int64_t stride, int64_t padding, const float* images,
                 const float* weights, float* out) {
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
  multiply_taps({x}, images, lattice, packed, l, workspace.take(l.floats()), {y}, out);
}

void convolution_input_gradient(const Shape& x, const Shape& w, const Shape& y, int64_t stride, int64_t padding,
                                const float* dy, const float* weights, float* dx) {
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
      multiply_taps({y}, dy, input_lattice(x, w, stride, padding, h, v), packed, l, buffers, {x}, dx);
}

void convolution_weight_gradient(const Shape& x, const Shape& w, const Shape& y, int64_t stride, int64_t padding,
                                 const float* dy, const float* images, float* dw) {
  const simd::Kernels& k = simd::kernels();
  const GradientLayout l(w);
  const int64_t pixels = y[0] * y[1] * y[2], outputs = w[0];
  Workspace workspace(l.floats());
  float *rows = workspace.take(l.dy), *all_panels = workspace.take(l.parts * l.patches);
  const Patches patches(x, w, stride, padding, images);

  // The columns in some panels, beginning with column `first`, of output channels [begin, end), summed up over `depth`
  // pixels from `at` on of those in `rows`.
  const auto multiply = [&](const float* panels, int64_t first, int64_t last, int64_t begin, int64_t end, int64_t at,
                            int64_t depth, bool accumulate) {
    for (int64_t output = begin; output < end; output += l.group)
      for (int64_t c = first; c < last; c += l.panel)
        k.multiply_transposed(std::min(l.group, end - output), std::min(l.panel, last - c), depth,
                              rows + at * l.dy_row + output, l.dy_row, panels + (c - first) * l.depth, l.panel,
                              dw + output * l.columns + c, l.columns, accumulate);
  };
  for (int64_t from = 0; from < pixels; from += l.turn) {
    const int64_t count = std::min(l.turn, pixels - from);
    parallel_for(count, 64, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) std::copy_n(dy + (from + p) * outputs, outputs, rows + p * l.dy_row);
    });
    for_parts(l.parts, 1, [&](int64_t part, int64_t, int64_t) {
      const int64_t panel_parts = l.parts / l.output_parts, n = part % panel_parts, m = part / panel_parts;
      const int64_t first_panel = l.panels * n / panel_parts, last_panel = l.panels * (n + 1) / panel_parts;
      const int64_t begin = outputs * m / l.output_parts, end = outputs * (m + 1) / l.output_parts;
      float* panels = all_panels + part * l.patches;
      std::vector<Pixel> found;
      for (int64_t panel = first_panel; panel < last_panel; panel += l.chunk) {
        const int64_t first = panel * l.panel;
        const int64_t last = std::min(l.columns, std::min(panel + l.chunk, last_panel) * l.panel);
        const auto runs = patches.runs_of(first, last, l.panel, l.depth);
        for (int64_t at = 0; at < count; at += l.depth) {
          find_pixels(from + at, from + std::min(at + l.depth, count), y[1], y[2], found);
          patches.gather(found, runs, l.panel, panels);
          multiply(panels, first, last, begin, end, at, static_cast<int64_t>(found.size()), from + at > 0);
        }
      }
    });
  }
}

int64_t convolution_bytes(const Shape& w, const Shape& y) {
  return 4 * (packed_floats(w, w[3], w[0]) + BlockLayout(y[0] * y[1] * y[2], w[3], w[0]).floats());
}

int64_t convolution_input_gradient_bytes(const Shape& x, const Shape& w, int64_t stride) {
  const int64_t pixels = x[0] * ((x[1] + stride - 1) / stride) * ((x[2] + stride - 1) / stride);
  return 4 * (packed_floats(w, w[0], w[3]) + BlockLayout(pixels, w[0], w[3]).floats());
}

int64_t convolution_weight_gradient_bytes(const Shape& w) { return 4 * GradientLayout(w).floats(); }

}  // namespace minissl::implicit_gemm
