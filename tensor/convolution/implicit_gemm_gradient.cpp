#include <algorithm>
#include <array>

#include "tensor/convolution/implicit_gemm_pixels.h"
#include "tensor/parallel.h"
#include "tensor/workspace.h"

// The weight gradient is one product: dy (pixels, O) transposed times the patches (pixels, KH KW I). For a few pixels
// at a time, a thread gathers its columns of the patches in panels and its columns of dy in rows, which fit the
// second-level cache, and multiplies them. Threads share the columns, and also the outputs where there are more threads
// than panels.
namespace minissl::implicit_gemm {
namespace {

struct GradientLayout {
  // Pixels that a product adds up at a time: a column of both factors stays in the first-level cache.
  static constexpr int64_t depth = 192;
  int64_t outputs, columns, panel, panels, chunk, group, panel_parts, output_parts, rows_stride;

  explicit GradientLayout(const Shape& w) {
    const int64_t block = simd::kernels().max_rows;
    outputs = w[0];
    columns = w[1] * w[2] * w[3];
    panel = panel_width();
    panels = (columns + panel - 1) / panel;
    panel_parts = std::min<int64_t>(threads(), panels);
    output_parts = std::clamp<int64_t>(threads() / panel_parts, 1, outputs / block + 1);
    chunk = std::min((panels + panel_parts - 1) / panel_parts, 256 / panel);
    group = round_up(128, block);
    // Rows that are a power of two apart would map to a few sets of the caches.
    rows_stride = (outputs + output_parts - 1) / output_parts + 16;
  }
  int64_t parts() const { return panel_parts * output_parts; }
  int64_t of_part() const { return depth * (rows_stride + chunk * panel); }
  int64_t floats() const { return parts() * of_part(); }
};

// Patches of a convolution's input as the rows of a matrix (pixels of the output, KH KW I).
class Patches {
 public:
  Patches(const Shape& x, const Shape& w, int64_t stride, int64_t padding, const float* images)
      : x_{x}, w_(w), stride_(stride), padding_(padding), images_(images) {}

  // Channels of one tap, which is (h, w) away from the pixel, and their place in the panels.
  struct Run {
    int64_t h, w, channel, to;
  };
  static constexpr int64_t most = 16;  // channels of a run

  // The runs of columns [first, last), in panels of (depth, panel) each.
  std::vector<Run> runs_of(int64_t first, int64_t last, int64_t panel, int64_t depth) const {
    std::vector<Run> runs;
    for (int64_t c = first; c < last; c += run_in(panel)) {
      const int64_t tap = c / w_[3], at = c - first;
      runs.push_back(
          {tap / w_[2] - padding_, tap % w_[2] - padding_, c % w_[3], at / panel * panel * depth + at % panel});
    }
    return runs;
  }

  void gather(const std::vector<Pixel>& pixels, const std::vector<Run>& runs, int64_t panel, float* to) const {
    if (run_in(panel) == most)
      gather<most>(pixels, runs, panel, to);
    else
      gather<0>(pixels, runs, panel, to);
  }

 private:
  static constexpr std::array<float, most> zeros{};

  static int64_t run_in(int64_t panel) { return std::min(most, panel); }

  // `known`: the length of a run as a constant, or 0.
  template <int64_t known>
  void gather(const std::vector<Pixel>& pixels, const std::vector<Run>& runs, int64_t panel, float* to) const {
    const int64_t length = known > 0 ? known : run_in(panel);
    for (const Pixel& p : pixels) {
      for (const Run& r : runs) {
        const int64_t h = p.h * stride_ + r.h, w = p.w * stride_ + r.w;
        std::copy_n(x_.has(h, w) ? images_ + x_.row(p.n, h, w) + r.channel : zeros.data(), length, to + r.to);
      }
      to += panel;
    }
  }

  Images x_;
  Shape w_;
  int64_t stride_, padding_;
  const float* images_;
};

// The columns and outputs of one part of the work.
struct Part {
  int64_t first_column, last_column, first_output, last_output;

  Part(const GradientLayout& l, int64_t number) {
    const int64_t p = number % l.panel_parts, o = number / l.panel_parts;
    first_column = l.panels * p / l.panel_parts * l.panel;
    last_column = std::min(l.columns, l.panels * (p + 1) / l.panel_parts * l.panel);
    first_output = l.outputs * o / l.output_parts, last_output = l.outputs * (o + 1) / l.output_parts;
  }
};

// `buffer` holds rows of dy, then panels of patches.
void sum_up(const GradientLayout& l, const Part& part, const Shape& y, const Patches& patches, const float* dy,
            float* buffer, float* dw) {
  const simd::Kernels& k = simd::kernels();
  const int64_t in_chunk = l.chunk * l.panel, count = part.last_output - part.first_output;
  const int64_t all = y[0] * y[1] * y[2];
  float *rows = buffer, *panels = buffer + l.depth * l.rows_stride;
  std::vector<std::vector<Patches::Run>> chunks;
  for (int64_t c = part.first_column; c < part.last_column; c += in_chunk)
    chunks.push_back(patches.runs_of(c, std::min(c + in_chunk, part.last_column), l.panel, l.depth));
  std::vector<Pixel> pixels;
  for (int64_t at = 0; at < all; at += l.depth) {
    const int64_t depth = std::min(l.depth, all - at);
    find_pixels(at, at + depth, y[1], y[2], pixels);
    for (int64_t p = 0; p < depth; ++p)
      std::copy_n(dy + (at + p) * l.outputs + part.first_output, count, rows + p * l.rows_stride);
    for (size_t n = 0; n < chunks.size(); ++n) {
      const int64_t first = part.first_column + static_cast<int64_t>(n) * in_chunk;
      const int64_t last = std::min(first + in_chunk, part.last_column);
      patches.gather(pixels, chunks[n], l.panel, panels);
      for (int64_t o = 0; o < count; o += l.group)
        for (int64_t c = first; c < last; c += l.panel) {
          float* to = dw + (part.first_output + o) * l.columns + c;
          k.multiply_transposed(std::min(l.group, count - o), std::min(l.panel, last - c), depth, rows + o,
                                l.rows_stride, panels + (c - first) * l.depth, l.panel, to, l.columns,
                                {at > 0 ? to : nullptr, l.columns});
        }
    }
  }
}

}  // namespace

void weight_gradient(const ConvolutionShapes& s, const float* dy, const float* images, float* dw) {
  const GradientLayout l(s.w);
  Workspace workspace(l.floats());
  float* buffers = workspace.take(l.floats());
  const Patches patches(s.x, s.w, s.stride, s.padding, images);
  parallel_for(l.parts(), 1, [&](int64_t first, int64_t last) {
    for (int64_t number = first; number < last; ++number)
      sum_up(l, Part(l, number), s.y, patches, dy, buffers + number * l.of_part(), dw);
  });
}

int64_t weight_gradient_bytes(const ConvolutionShapes& s) { return 4 * GradientLayout(s.w).floats(); }

}  // namespace minissl::implicit_gemm
