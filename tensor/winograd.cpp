#include "tensor/winograd.h"

#include <array>
#include <atomic>

#include "tensor/parallel.h"
#include "tensor/simd/kernels.h"
#include "tensor/tensor.h"

// In two dimensions, for the 36 (or 9) products of a tile, numbered `product`:
//   V[product][tile][i]  = transformed patches of the images        (tile: one of all images' tiles)
//   U[product][i][o]     = transformed weights
//   M[product][tile][o]  = V U, a matrix product for each `product`
//   out(tile)            = transformed M
// The input gradient is the convolution of dy with the weights turned by 180 degrees and i and o exchanged. The weight
// gradient is the adjoint: U[product][o][i] = sum over tiles of transformed dy times V, transformed back.
namespace minissl::winograd {
namespace {

using simd::Form;
using simd::Kernels;

std::atomic<bool> enabled{true};

constexpr int64_t max_places = 36;
constexpr int64_t taps = 9;
// Matrices of the products are moved apart by this many floats, so that those of one tile don't fall into one set of
// the caches.
constexpr int64_t skew = 32;

const Form& form_for(const Shape& x) {
  return x[1] == 2 && x[2] == 2 ? simd::kernels().padded_pair : simd::kernels().four_by_three;
}

float* workspace(Tensor& holder, int64_t floats) {
  holder = Tensor::empty({floats});
  return holder.mutable_data<float>();
}

// Images cut into square tiles that lie side by side, the last ones reaching over the edge.
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

  // Where the channels of the pixels are in a square of `extent` that begins `offset` from tile number t's corner.
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

// Transforms tiles [begin, end) of images to V, or of an output's gradient, by `map`, to what stands for M.
void transform_tiles(const Tiles& tiles, int64_t begin, int64_t end, simd::Gather map, int64_t offset, int64_t extent,
                     const float* images, int64_t channels, float* to, int64_t stride) {
  static const std::array<float, 4096> zeros{};
  const float* pixels[max_places];
  for (int64_t t = begin; t < end; ++t, to += channels) {
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

  int64_t inputs() const { return weights.inputs; }
  int64_t outputs() const { return weights.outputs; }
};

void transform_outputs(const Tiles& tiles, int64_t begin, int64_t end, const Form& form, const float* m, int64_t stride,
                       int64_t row, int64_t channels, float* out, int64_t first) {
  std::array<float, 4096> discarded;
  float* pixels[max_places];
  for (int64_t t = begin; t < end; ++t, m += row) {
    tiles.find_pixels(t, 0, form.tile, out + first, discarded.data(), pixels);
    form.output(m, stride, channels, pixels);
  }
}

// For weights that stay in the caches: blocks of tiles go all the way, shared out among threads.
void convolve_by_tiles(const Problem& p) {
  const Kernels& k = simd::kernels();
  const Form& form = p.form;
  const Tiles in(p.images, p.inputs(), form), out(p.images, p.outputs(), form);
  const int64_t panel = 2 * k.width, panels = (p.outputs() + panel - 1) / panel;
  const int64_t u_stride = p.inputs() * panel + skew, u_panel = form.products * u_stride;
  Tensor u_holder;
  float* u = workspace(u_holder, panels * u_panel);
  const auto columns = [&](int64_t number) { return std::min(panel, p.outputs() - number * panel); };
  parallel_for(panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      p.weights.transform(form, n * panel, columns(n), panel, u + n * u_panel, u_stride);
  });
  // As many rows as registers hold at a time, and patches and products that leave the second-level cache some room.
  const int64_t rows = k.max_rows, bytes_of_rows = rows * form.products * (p.inputs() + p.outputs()) * 4;
  const int64_t block = rows * std::max<int64_t>(1, (int64_t{640} << 10) / bytes_of_rows);
  const int64_t v_stride = block * p.inputs() + skew, m_stride = block * p.outputs() + skew;
  const int64_t blocks = (in.count() + block - 1) / block;
  parallel_for(blocks, 1, [&](int64_t first, int64_t last) {
    Tensor v_holder, m_holder;
    float* v = workspace(v_holder, form.products * v_stride);
    float* m = workspace(m_holder, form.products * m_stride);
    for (int64_t b = first; b < last; ++b) {
      const int64_t begin = b * block, end = std::min(in.count(), begin + block);
      transform_tiles(in, begin, end, form.input, form.offset, form.extent, p.in, p.inputs(), v, v_stride);
      for (int64_t product = 0; product < form.products; ++product)
        for (int64_t n = 0; n < panels; ++n)
          k.multiply(end - begin, columns(n), p.inputs(), v + product * v_stride, p.inputs(),
                     u + n * u_panel + product * u_stride, panel, m + product * m_stride + n * panel, p.outputs(),
                     false);
      transform_outputs(out, begin, end, form, m, m_stride, p.outputs(), p.outputs(), p.out, 0);
    }
  });
}

// For weights that are large beside the images: all patches are transformed, then panels of output channels, whose
// weights are transformed just before their product, are shared out among threads.
void convolve_by_outputs(const Problem& p) {
  const Kernels& k = simd::kernels();
  const Form& form = p.form;
  const Tiles in(p.images, p.inputs(), form), out(p.images, p.outputs(), form);
  const int64_t panel = 2 * k.width, panels = (p.outputs() + panel - 1) / panel;
  // Large batches in several parts, so that the patches of one stay in the last-level cache.
  const int64_t bytes_of_tile = form.products * p.inputs() * 4;
  const int64_t parts = (in.count() * bytes_of_tile + (12 << 20) - 1) / (12 << 20);
  const int64_t part = (in.count() + parts - 1) / parts;
  const int64_t v_stride = part * p.inputs() + skew, m_stride = part * panel + skew;
  const int64_t u_stride = p.inputs() * panel + skew;
  Tensor v_holder;
  float* v = workspace(v_holder, form.products * v_stride);
  for (int64_t from = 0; from < in.count(); from += part) {
    const int64_t count = std::min(part, in.count() - from);
    parallel_for(count, k.max_rows, [&](int64_t begin, int64_t end) {
      transform_tiles(in, from + begin, from + end, form.input, form.offset, form.extent, p.in, p.inputs(),
                      v + begin * p.inputs(), v_stride);
    });
    parallel_for(panels, 1, [&](int64_t first, int64_t last) {
      Tensor u_holder, m_holder;
      float* u = workspace(u_holder, form.products * u_stride);
      float* m = workspace(m_holder, form.products * m_stride);
      for (int64_t n = first; n < last; ++n) {
        const int64_t columns = std::min(panel, p.outputs() - n * panel);
        p.weights.transform(form, n * panel, columns, panel, u, u_stride);
        for (int64_t product = 0; product < form.products; ++product)
          k.multiply(count, columns, p.inputs(), v + product * v_stride, p.inputs(), u + product * u_stride, panel,
                     m + product * m_stride, panel, false);
        transform_outputs(out, from, from + count, form, m, m_stride, panel, columns, p.out, n * panel);
      }
    });
  }
}

void convolve(const Problem& p) {
  if (p.form.products * p.inputs() * p.outputs() * 4 <= (int64_t{4} << 20))
    convolve_by_tiles(p);
  else
    convolve_by_outputs(p);
}

}  // namespace

void enable(bool on) { enabled = on; }

bool applies(const Shape& x, const Shape& w, int64_t stride, int64_t padding) {
  const bool geometry = w[1] == 3 && w[2] == 3 && stride == 1 && padding == 1;
  if (!enabled || !geometry || w[0] % 16 != 0 || w[3] % 16 != 0 || w[0] > 4096 || w[3] > 4096) return false;
  // Multiplications, and what the transformations cost in their terms.
  const Form& form = form_for(x);
  const int64_t down = (x[1] + form.tile - 1) / form.tile, across = (x[2] + form.tile - 1) / form.tile;
  const int64_t winograd = down * across * form.products * (w[0] * w[3] + 16 * (w[0] + w[3]));
  return winograd < x[1] * x[2] * taps * w[0] * w[3];
}

void convolution(const Shape& x, const Shape& w, const float* images, const float* weights, float* out) {
  convolve({form_for(x), x, {weights, w[0], w[3], false}, images, out});
}

void convolution_input_gradient(const Shape& x, const Shape& w, const float* dy, const float* weights, float* dx) {
  convolve({form_for(x), x, {weights, w[3], w[0], true}, dy, dx});
}

void convolution_weight_gradient(const Shape& x, const Shape& w, const float* dy, const float* images, float* dw) {
  const Kernels& k = simd::kernels();
  const Form& form = form_for(x);
  const int64_t inputs = w[3], outputs = w[0];
  const Tiles in(x, inputs, form), out(x, outputs, form);
  // In parts of the same size on any number of threads: the sums over the tiles are taken part by part.
  const int64_t bytes_of_tile = form.products * (inputs + outputs) * 4;
  const int64_t parts = (in.count() * bytes_of_tile + (20 << 20) - 1) / (20 << 20);
  const int64_t part = (in.count() + parts - 1) / parts;
  const int64_t v_stride = part * inputs + skew, m_stride = part * outputs + skew;
  Tensor v_holder, m_holder;
  float* v = workspace(v_holder, form.products * v_stride);
  float* m = workspace(m_holder, form.products * m_stride);
  const auto transform = [&](int64_t from, int64_t count) {
    parallel_for(count, k.max_rows, [&](int64_t begin, int64_t end) {
      transform_tiles(in, from + begin, from + end, form.input, form.offset, form.extent, images, inputs,
                      v + begin * inputs, v_stride);
      transform_tiles(out, from + begin, from + end, form.output_adjoint, 0, form.tile, dy, outputs,
                      m + begin * outputs, m_stride);
    });
  };
  const auto transform_back = [&](const float* u, int64_t stride, int64_t first, int64_t count) {
    float* to[taps];
    for (int64_t o = first; o < first + count; ++o, u += inputs) {
      for (int64_t tap = 0; tap < taps; ++tap) to[tap] = dw + (o * taps + tap) * inputs;
      form.weight_adjoint(u, stride, inputs, to);
    }
  };

  Tensor u_holder;
  if (parts == 1) {
    // Output channels are shared out: what is between product and result stays in a thread's cache.
    transform(0, in.count());
    const int64_t rows = 2 * k.max_rows, blocks = (outputs + rows - 1) / rows;
    parallel_for(blocks, 1, [&](int64_t first, int64_t last) {
      Tensor own_holder;
      const int64_t u_stride = rows * inputs + skew;
      float* u = workspace(own_holder, form.products * u_stride);
      for (int64_t b = first; b < last; ++b) {
        const int64_t begin = outputs * b / blocks, count = outputs * (b + 1) / blocks - begin;
        for (int64_t product = 0; product < form.products; ++product)
          k.multiply_transposed(count, inputs, part, m + product * m_stride + begin, outputs, v + product * v_stride,
                                inputs, u + product * u_stride, inputs, false);
        transform_back(u, u_stride, begin, count);
      }
    });
    return;
  }
  const int64_t u_stride = outputs * inputs + skew;
  float* u = workspace(u_holder, form.products * u_stride);
  for (int64_t from = 0; from < in.count(); from += part) {
    const int64_t count = std::min(part, in.count() - from);
    transform(from, count);
    parallel_for(form.products, 1, [&](int64_t first, int64_t last) {
      for (int64_t product = first; product < last; ++product)
        k.multiply_transposed(outputs, inputs, count, m + product * m_stride, outputs, v + product * v_stride, inputs,
                              u + product * u_stride, inputs, from > 0);
    });
  }
  parallel_for(outputs, 1,
               [&](int64_t begin, int64_t end) { transform_back(u + begin * inputs, u_stride, begin, end - begin); });
}

}  // namespace minissl::winograd
