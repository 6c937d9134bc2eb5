#include "tensor/convolution/winograd.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "tensor/parallel.h"
#include "tensor/simd/kernels.h"
#include "tensor/workspace.h"

// In two dimensions, for the 36 (or 9) products of a tile, numbered `product`:
//   V[product][tile][i]  = transformed patches of the images        (tile: one of all images' tiles)
//   U[product][i][o]     = transformed weights
//   M[product][tile][o]  = V U, a matrix product for each `product`
//   out(tile)            = transformed M
// The input gradient is the convolution of dy with the weights rotated by 180 degrees and i and o exchanged. The weight
// gradient is the adjoint: U[product][o][i] = sum over tiles of transformed dy times V, transformed back.
namespace minissl::winograd {
namespace {

using simd::Form;
using simd::Kernels;

std::atomic<bool> enabled_{true};

constexpr int64_t max_places = 36;
constexpr int64_t taps = 9;
// Gap between the matrices of the products, in floats, so that the values of one tile do not all map to the same set of
// the caches.
constexpr int64_t skew = 32;
// Limits on what a thread works on at a time, and on the weights and patches of a turn. Anything larger would be read
// from memory again instead of the last-level cache, which other cores use, too.
constexpr int64_t group_bytes = int64_t{5} << 18, turn_bytes = int64_t{6} << 20;
// The number of output channels for which the weight gradient reads the patches once.
constexpr int64_t gradient_channels = 64;
// The number of tiles that a product sums at a time: columns of both factors stay in the first-level cache.
constexpr int64_t tiles_of_sum = 256;

const Form& form_for(const Shape& x) {
  return x[1] == 2 && x[2] == 2 ? simd::kernels().padded_pair : simd::kernels().four_by_three;
}

// Images cut into square tiles next to each other; the last ones reach over the edge.
class Tiles {
 public:
  Tiles(const Shape& images, int64_t channels, const Form& form)
      : height_(images[1]),
        width_(images[2]),
        channels_(channels),
        tile_(form.tile),
        down_((height_ + tile_ - 1) / tile_),
        across_((width_ + tile_ - 1) / tile_),
        count_(images[0] * down_ * across_) {}

  int64_t count() const { return count_; }

  // Finds the channels of all pixels of a square of `extent` that begins `offset` away from the corner of tile t.
  // Pixels outside of the image are at `outside`.
  template <class Float>
  void find_pixels(int64_t t, int64_t offset, int64_t extent, Float* images, Float* outside, Float** pixels) const {
    const int64_t n = t / (down_ * across_), top = t / across_ % down_ * tile_ + offset;
    const int64_t left = t % across_ * tile_ + offset;
    Float* image = images + n * height_ * width_ * channels_;
    for (int64_t h = top; h < top + extent; ++h)
      for (int64_t w = left; w < left + extent; ++w) {
        const bool inside = 0 <= h && h < height_ && 0 <= w && w < width_;
        *pixels++ = inside ? image + (h * width_ + w) * channels_ : outside;
      }
  }

 private:
  int64_t height_, width_, channels_, tile_, down_, across_, count_;
};

// Transforms tiles [begin, end) by `map`: those of images to V, those of an output's gradient to the gradient of M.
void transform_tiles(const Tiles& tiles, int64_t begin, int64_t end, simd::Gather map, int64_t offset, int64_t extent,
                     const float* images, int64_t channels, float* to, int64_t stride, int64_t row) {
  static const std::array<float, 4096> zeros{};
  const float* pixels[max_places];
  for (int64_t t = begin; t < end; ++t, to += row) {
    tiles.find_pixels(t, offset, extent, images, zeros.data(), pixels);
    map(pixels, channels, to, stride);
  }
}

// The transformed weights of `columns` output channels from `first` on, as U[product][i][column] in rows of `width`.
// Either way the weights are (O, 3, 3, I).
struct Weights {
  const float* data;
  int64_t outputs, inputs;  // of the convolution that is computed, whichever of O and I that is
  bool turned;              // for the input gradient

  void transform(const Form& form, int64_t first, int64_t columns, int64_t width, float* u, int64_t stride) const {
    const float* from[taps];
    if (turned) {
      for (int64_t o = 0; o < inputs; ++o) {
        for (int64_t tap = 0; tap < taps; ++tap) from[tap] = data + (o * taps + taps - 1 - tap) * outputs + first;
        form.weight(from, columns, u + o * width, stride);
      }
      return;
    }
    const Kernels& k = simd::kernels();
    const int64_t w = k.width;
    float block[taps * 16 * 16];
    for (int64_t i = 0; i < inputs; i += w)
      for (int64_t o = 0; o < columns; o += w) {
        for (int64_t tap = 0; tap < taps; ++tap)
          k.transpose(data + ((first + o) * taps + tap) * inputs + i, taps * inputs, block + tap * w * w, w);
        for (int64_t row = 0; row < w; ++row) {
          for (int64_t tap = 0; tap < taps; ++tap) from[tap] = block + (tap * w + row) * w;
          form.weight(from, w, u + (i + row) * width + o, stride);
        }
      }
  }
};

struct Problem {
  const Form& form;
  Shape images;
  Weights weights;
  const float* in;
  float* out;
  Finish finish;

  int64_t inputs() const { return weights.inputs; }
  int64_t outputs() const { return weights.outputs; }
};

int64_t count_tiles(const Shape& images, const Form& form) { return Tiles(images, 0, form).count(); }

// The matrices of convolve_by_tiles.
struct TilesLayout {
  int64_t panel, panels, u_panel, u_stride, block, blocks, v_stride, m_stride, v, m, slots;

  TilesLayout(const Form& form, int64_t tiles, int64_t inputs, int64_t outputs) {
    const Kernels& k = simd::kernels();
    panel = k.panel();
    panels = (outputs + panel - 1) / panel;
    u_stride = inputs * panel + skew;
    u_panel = form.products * u_stride;
    // A multiple of the rows that fit the registers; patches and products leave some of the second-level cache free.
    const int64_t rows = k.max_rows, bytes_of_rows = rows * form.products * (inputs + outputs) * 4;
    block = rows * std::max<int64_t>(1, (int64_t{640} << 10) / bytes_of_rows);
    blocks = (tiles + block - 1) / block;
    v_stride = block * inputs + skew;
    m_stride = block * outputs + skew;
    v = form.products * v_stride;
    m = form.products * m_stride;
    slots = count_slots(blocks, 1);
  }
  int64_t floats() const { return panels * u_panel + slots * (v + m); }
};

// The matrices of convolve_by_outputs.
struct OutputsLayout {
  int64_t panel, panels, group, groups;  // panels in a group, and groups
  int64_t tiles_of_turn, v_stride, m_row, m_stride, u_stride, u_panel, v, m, u, slots;

  OutputsLayout(const Form& form, int64_t tiles, int64_t inputs, int64_t outputs) {
    panel = simd::kernels().panel();
    panels = (outputs + panel - 1) / panel;
    // Large batches take several turns, so that the patches of one turn stay in the last-level cache.
    const int64_t bytes_of_tile = form.products * inputs * 4;
    const int64_t turns = (tiles * bytes_of_tile + (12 << 20) - 1) / (12 << 20);
    tiles_of_turn = (tiles + turns - 1) / turns;
    v_stride = tiles_of_turn * inputs + skew;
    u_stride = inputs * panel + skew;
    u_panel = form.products * u_stride;
    // The patches are read once per group.
    group = std::clamp<int64_t>(group_bytes / (4 * u_panel), 1, std::max<int64_t>(1, panels / threads()));
    groups = (panels + group - 1) / group;
    m_row = group * panel;
    m_stride = tiles_of_turn * m_row + skew;
    v = form.products * v_stride;
    m = form.products * m_stride;
    u = group * u_panel;
    slots = count_slots(groups, 1);
  }
  int64_t floats() const { return v + slots * (u + m); }
};

// The matrices of weight_gradient.
struct WeightGradientLayout {
  int64_t turns, tiles_of_turn, v_row, m_row, v_stride, m_stride, v, m;
  int64_t rows, blocks, u_stride, u, slots;  // with one turn: rows of U for each thread; with several: all of U

  WeightGradientLayout(const Form& form, int64_t tiles, int64_t inputs, int64_t outputs) {
    // Turns must not depend on the number of threads: sums over the tiles are taken turn by turn.
    const int64_t bytes_of_tile = form.products * (inputs + outputs) * 4;
    const int64_t most = std::max(turn_bytes / bytes_of_tile, tiles_of_sum / 2);
    turns = (tiles + most - 1) / most;
    tiles_of_turn = (tiles + turns - 1) / turns;
    // Products read columns: rows a power of two apart would map to a few sets of the first-level cache.
    v_row = inputs + skew / 2;
    m_row = outputs + skew / 2;
    v_stride = tiles_of_turn * v_row + skew;
    m_stride = tiles_of_turn * m_row + skew;
    v = form.products * v_stride;
    m = form.products * m_stride;
    const int64_t shared = (outputs + threads() - 1) / threads(), block = simd::kernels().max_rows;
    rows = (std::min(gradient_channels, shared) + block - 1) / block * block;
    blocks = (outputs + rows - 1) / rows;
    u_stride = (turns == 1 ? rows : outputs) * inputs + skew;
    u = form.products * u_stride;
    slots = turns == 1 ? count_slots(blocks, 1) : 1;
  }
  int64_t floats() const { return v + m + slots * u; }
};

void transform_outputs(const Tiles& tiles, int64_t begin, int64_t end, const Form& form, const float* m, int64_t stride,
                       int64_t row, int64_t channels, float* out, int64_t first, const Finish& finish) {
  std::array<float, 4096> discarded;
  float* pixels[max_places];
  for (int64_t t = begin; t < end; ++t, m += row) {
    tiles.find_pixels(t, 0, form.tile, out + first, discarded.data(), pixels);
    form.output(m, stride, channels, pixels);
    if (!finish) continue;
    for (int i = 0; i < form.tile * form.tile; ++i)
      if (pixels[i] != discarded.data()) finish.apply(out, pixels[i] - out, first, channels);
  }
}

// For weights that fit the caches: threads share blocks of tiles and take each from patches to results.
void convolve_by_tiles(const Problem& p) {
  const Kernels& k = simd::kernels();
  const Form& form = p.form;
  const Tiles in(p.images, p.inputs(), form), out(p.images, p.outputs(), form);
  const TilesLayout l(form, in.count(), p.inputs(), p.outputs());
  Workspace workspace(l.floats());
  float* u = workspace.take(l.panels * l.u_panel);
  float *all_v = workspace.take(l.slots * l.v), *all_m = workspace.take(l.slots * l.m);
  const auto columns = [&](int64_t number) { return std::min(l.panel, p.outputs() - number * l.panel); };
  parallel_for(l.panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      p.weights.transform(form, n * l.panel, columns(n), l.panel, u + n * l.u_panel, l.u_stride);
  });
  for_parts(l.blocks, 1, [&](int64_t slot, int64_t first, int64_t last) {
    float *v = all_v + slot * l.v, *m = all_m + slot * l.m;
    for (int64_t b = first; b < last; ++b) {
      const int64_t begin = b * l.block, end = std::min(in.count(), begin + l.block);
      transform_tiles(in, begin, end, form.input, form.offset, form.extent, p.in, p.inputs(), v, l.v_stride,
                      p.inputs());
      for (int64_t product = 0; product < form.products; ++product)
        for (int64_t n = 0; n < l.panels; ++n)
          k.multiply(end - begin, columns(n), p.inputs(), v + product * l.v_stride, p.inputs(),
                     u + n * l.u_panel + product * l.u_stride, l.panel, m + product * l.m_stride + n * l.panel,
                     p.outputs(), {});
      transform_outputs(out, begin, end, form, m, l.m_stride, p.outputs(), p.outputs(), p.out, 0, p.finish);
    }
  });
}

// For weights that are large compared with the images: all patches are transformed first, then threads share groups of
// output channels, whose weights are transformed just before their product.
void convolve_by_outputs(const Problem& p) {
  const Kernels& k = simd::kernels();
  const Form& form = p.form;
  const Tiles in(p.images, p.inputs(), form), out(p.images, p.outputs(), form);
  const OutputsLayout l(form, in.count(), p.inputs(), p.outputs());
  Workspace workspace(l.floats());
  float* v = workspace.take(l.v);
  float *all_u = workspace.take(l.slots * l.u), *all_m = workspace.take(l.slots * l.m);
  for (int64_t from = 0; from < in.count(); from += l.tiles_of_turn) {
    const int64_t count = std::min(l.tiles_of_turn, in.count() - from);
    parallel_for(count, k.max_rows, [&](int64_t begin, int64_t end) {
      transform_tiles(in, from + begin, from + end, form.input, form.offset, form.extent, p.in, p.inputs(),
                      v + begin * p.inputs(), l.v_stride, p.inputs());
    });
    for_parts(l.groups, 1, [&](int64_t slot, int64_t first, int64_t last) {
      float *u = all_u + slot * l.u, *m = all_m + slot * l.m;
      for (int64_t g = first; g < last; ++g) {
        const int64_t channel = g * l.m_row, channels = std::min(l.m_row, p.outputs() - channel);
        for (int64_t c = 0; c < channels; c += l.panel)
          p.weights.transform(form, channel + c, std::min(l.panel, channels - c), l.panel, u + c / l.panel * l.u_panel,
                              l.u_stride);
        for (int64_t product = 0; product < form.products; ++product)
          for (int64_t c = 0; c < channels; c += l.panel)
            k.multiply(count, std::min(l.panel, channels - c), p.inputs(), v + product * l.v_stride, p.inputs(),
                       u + c / l.panel * l.u_panel + product * l.u_stride, l.panel, m + product * l.m_stride + c,
                       l.m_row, {});
        transform_outputs(out, from, from + count, form, m, l.m_stride, l.m_row, channels, p.out, channel, p.finish);
      }
    });
  }
}

bool weights_stay_in_caches(const Form& form, int64_t inputs, int64_t outputs) {
  return form.products * inputs * outputs * 4 <= (int64_t{4} << 20);
}

void convolve(const Problem& p) {
  if (weights_stay_in_caches(p.form, p.inputs(), p.outputs()))
    convolve_by_tiles(p);
  else
    convolve_by_outputs(p);
}

int64_t convolve_bytes(const Shape& x, int64_t inputs, int64_t outputs) {
  const Form& form = form_for(x);
  const int64_t tiles = count_tiles(x, form);
  return 4 * (weights_stay_in_caches(form, inputs, outputs) ? TilesLayout(form, tiles, inputs, outputs).floats()
                                                            : OutputsLayout(form, tiles, inputs, outputs).floats());
}

void forward(const ConvolutionShapes& s, const float* images, const float* weights, float* out, const Finish& finish) {
  convolve({form_for(s.x), s.x, {weights, s.w[0], s.w[3], false}, images, out, finish});
}

void input_gradient(const ConvolutionShapes& s, const float* dy, const float* weights, float* dx) {
  convolve({form_for(s.x), s.x, {weights, s.w[3], s.w[0], true}, dy, dx, {}});
}

void weight_gradient(const ConvolutionShapes& s, const float* dy, const float* images, float* dw) {
  const Shape &x = s.x, &w = s.w;
  const Kernels& k = simd::kernels();
  const Form& form = form_for(x);
  const int64_t inputs = w[3], outputs = w[0];
  const Tiles in(x, inputs, form), out(x, outputs, form);
  const WeightGradientLayout l(form, in.count(), inputs, outputs);
  Workspace workspace(l.floats());
  float *v = workspace.take(l.v), *m = workspace.take(l.m), *all_u = workspace.take(l.slots * l.u);
  const auto transform = [&](int64_t from, int64_t count) {
    parallel_for(count, k.max_rows, [&](int64_t begin, int64_t end) {
      transform_tiles(in, from + begin, from + end, form.input, form.offset, form.extent, images, inputs,
                      v + begin * l.v_row, l.v_stride, l.v_row);
      transform_tiles(out, from + begin, from + end, form.output_adjoint, 0, form.tile, dy, outputs,
                      m + begin * l.m_row, l.m_stride, l.m_row);
    });
  };
  const auto transform_back = [&](const float* u, int64_t first, int64_t count) {
    float* to[taps];
    for (int64_t o = first; o < first + count; ++o, u += inputs) {
      for (int64_t tap = 0; tap < taps; ++tap) to[tap] = dw + (o * taps + tap) * inputs;
      form.weight_adjoint(u, l.u_stride, inputs, to);
    }
  };

  // Computes U[product] of output channels [first, first + count) over the transformed tiles, or adds to it.
  const auto multiply = [&](int64_t product, int64_t first, int64_t count, int64_t tiles, float* u, bool accumulate) {
    float* to = u + product * l.u_stride;
    for (int64_t t = 0; t < tiles; t += tiles_of_sum)
      k.multiply_transposed(
          count, inputs, std::min(tiles_of_sum, tiles - t), m + product * l.m_stride + t * l.m_row + first, l.m_row,
          v + product * l.v_stride + t * l.v_row, l.v_row, to, inputs, {accumulate || t > 0 ? to : nullptr, inputs});
  };

  if (l.turns == 1) {
    // Threads share the output channels: what they compute between product and result stays in the caches.
    transform(0, in.count());
    for_parts(l.blocks, 1, [&](int64_t slot, int64_t first, int64_t last) {
      float* u = all_u + slot * l.u;
      for (int64_t b = first; b < last; ++b) {
        const int64_t begin = outputs * b / l.blocks, count = outputs * (b + 1) / l.blocks - begin;
        for (int64_t product = 0; product < form.products; ++product)
          multiply(product, begin, count, in.count(), u, false);
        transform_back(u, begin, count);
      }
    });
    return;
  }
  for (int64_t from = 0; from < in.count(); from += l.tiles_of_turn) {
    const int64_t count = std::min(l.tiles_of_turn, in.count() - from);
    transform(from, count);
    parallel_for(form.products, 1, [&](int64_t first, int64_t last) {
      for (int64_t product = first; product < last; ++product) multiply(product, 0, outputs, count, all_u, from > 0);
    });
  }
  parallel_for(outputs, 1,
               [&](int64_t begin, int64_t end) { transform_back(all_u + begin * inputs, begin, end - begin); });
}

int64_t forward_bytes(const ConvolutionShapes& s) { return convolve_bytes(s.x, s.w[3], s.w[0]); }

int64_t input_gradient_bytes(const ConvolutionShapes& s) { return convolve_bytes(s.x, s.w[0], s.w[3]); }

int64_t weight_gradient_bytes(const ConvolutionShapes& s) {
  const Form& form = form_for(s.x);
  return 4 * WeightGradientLayout(form, count_tiles(s.x, form), s.w[3], s.w[0]).floats();
}

bool applies_to(const ConvolutionShapes& s) { return applies(s.x, s.w, s.stride, s.padding); }

}  // namespace

void enable(bool on) { enabled_ = on; }
bool enabled() { return enabled_; }

bool applies(const Shape& x, const Shape& w, int64_t stride, int64_t padding) {
  const bool geometry = w[1] == 3 && w[2] == 3 && stride == 1 && padding == 1;
  if (!enabled_ || !geometry || w[0] % 16 != 0 || w[3] % 16 != 0 || w[0] > 4096 || w[3] > 4096) return false;
  // Multiplications, with the cost of the transforms expressed in multiplications.
  const Form& form = form_for(x);
  const int64_t down = (x[1] + form.tile - 1) / form.tile, across = (x[2] + form.tile - 1) / form.tile;
  const int64_t winograd = down * across * form.products * (w[0] * w[3] + 16 * (w[0] + w[3]));
  return winograd < x[1] * x[2] * taps * w[0] * w[3];
}

constinit const Way way{"Winograd",           applies_to,           forward,
                        input_gradient,       weight_gradient,      forward_bytes,
                        input_gradient_bytes, weight_gradient_bytes};

}  // namespace minissl::winograd
