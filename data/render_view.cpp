#include <algorithm>
#include <vector>

#include "data/augment.h"
#include "data/resample.h"

// Each step of a view is a separate pass over its pixels, so that the loops vectorise.
namespace minissl {
namespace {

template <int C>
float mean_gray(const float* pixels, int64_t count) {
  double sum[C] = {};
  for (int64_t i = 0; i < count; ++i)
    for (int c = 0; c < C; ++c) sum[c] += static_cast<double>(pixels[i * C + c]);
  float mean[C];
  for (int c = 0; c < C; ++c) mean[c] = static_cast<float>(sum[c] / static_cast<double>(count));
  return gray<C>(mean);
}

template <int C>
void apply_jitter(float* pixels, int64_t count, Jitter kind, float factor) {
  switch (kind) {
    case Jitter::brightness:
      if (factor != 1)
        for (int64_t i = 0; i < count * C; ++i) pixels[i] = blend(pixels[i], 0, factor);
      break;
    case Jitter::contrast:
      if (factor != 1) {
        const float mean = mean_gray<C>(pixels, count);
        for (int64_t i = 0; i < count * C; ++i) pixels[i] = blend(pixels[i], mean, factor);
      }
      break;
    case Jitter::saturation:
      if constexpr (C == 3)
        if (factor != 1)
          for (float* p = pixels; p != pixels + count * C; p += C) {
            const float other = gray<C>(p);
            for (int c = 0; c < C; ++c) p[c] = blend(p[c], other, factor);
          }
      break;
    case Jitter::hue:
      if constexpr (C == 3)
        if (factor != 0)
          for (float* p = pixels; p != pixels + count * C; p += C) turn_hue(p, factor);
      break;
  }
}

template <int C>
void apply_gray(float* pixels, int64_t count) {
  if constexpr (C == 3)
    for (float* p = pixels; p != pixels + count * C; p += C) p[0] = p[1] = p[2] = gray<C>(p);
}

// Along the rows, then along the columns. Each output sums its taps in the same order, vectorised over the line.
template <int C>
void apply_blur(float* pixels, int size, float sigma) {
  const int radius = blur_radius(sigma), row = size * C;
  std::vector<float> weights(static_cast<size_t>(2 * radius + 1));
  float sum = 0;
  for (int k = -radius; k <= radius; ++k) sum += weights[static_cast<size_t>(k + radius)] = gaussian(k, sigma);
  for (float& w : weights) w /= sum;

  const int padded_row = row + 2 * radius * C;
  const Tensor scratch = Tensor::empty({padded_row + size * row});
  float* padded = scratch.mutable_data<float>();
  float* blurred = padded + padded_row;
  for (int y = 0; y < size; ++y) {
    const float* line = pixels + y * row;
    for (int x = -radius; x < size + radius; ++x)
      std::copy_n(line + reflect(x, size) * C, C, padded + (x + radius) * C);
    float* out = blurred + y * row;
    std::fill_n(out, row, 0.0f);
    for (int k = 0; k <= 2 * radius; ++k) {
      const float w = weights[static_cast<size_t>(k)];
      const float* in = padded + k * C;
      for (int i = 0; i < row; ++i) out[i] += w * in[i];
    }
  }
  for (int y = 0; y < size; ++y) {
    float* out = pixels + y * row;
    std::fill_n(out, row, 0.0f);
    for (int k = 0; k <= 2 * radius; ++k) {
      const float w = weights[static_cast<size_t>(k)];
      const float* in = blurred + reflect(y + k - radius, size) * row;
      for (int i = 0; i < row; ++i) out[i] += w * in[i];
    }
  }
}

template <int C>
void apply_noise(float* pixels, int64_t count, const Random& source, float deviation) {
  constexpr int quads = 64;
  float normal[4 * quads];
  for (int64_t begin = 0; begin < count; begin += 4 * quads) {
    const auto first = static_cast<uint32_t>(begin / 4);
    for (uint32_t q = 0; q < quads; ++q) normal4(source.bits(first + q), normal + 4 * q);
    float* some = pixels + begin * C;
    for (int64_t i = 0; i < std::min<int64_t>(count - begin, 4 * quads); ++i)
      for (int c = 0; c < C; ++c) some[i * C + c] = add_noise(some[i * C + c], normal[i], deviation);
  }
}

template <int C, class T>
void render(const T* source, int height, int width, const ViewParameters& view, const Normalization& normalization,
            float* out) {
  const int size = view.size;
  const int64_t count = int64_t{size} * size;
  resample<C>(source, height, width, view.map, size, size, out);
  if (view.jitter)
    for (Jitter kind : view.order) apply_jitter<C>(out, count, kind, view.factor[static_cast<size_t>(kind)]);
  if (view.gray) apply_gray<C>(out, count);
  if (view.blur_sigma > 0) apply_blur<C>(out, size, view.blur_sigma);
  if (view.noise > 0) apply_noise<C>(out, count, view.noise_source, view.noise);
  if (view.solarize)
    for (int64_t i = 0; i < count * C; ++i) out[i] = solarize(out[i]);

  float scale[C], mean[C];
  for (size_t c = 0; c < C; ++c) mean[c] = normalization.mean[c], scale[c] = 1 / normalization.std[c];
  for (int64_t i = 0; i < count; ++i)
    for (int c = 0; c < C; ++c) out[i * C + c] = (out[i * C + c] - mean[c]) * scale[c];
}

}  // namespace

void render_view(const Image& image, const ViewParameters& view, const Normalization& normalization, float* out) {
  require(view.size > 0, "a view needs at least one pixel");
  const TagScope tag(MemoryTag::data);
  const auto height = static_cast<int>(image.height()), width = static_cast<int>(image.width());
  const auto with_type = [&](const auto* pixels) {
    if (image.channels() == 1)
      render<1>(pixels, height, width, view, normalization, out);
    else
      render<3>(pixels, height, width, view, normalization, out);
  };
  if (image.pixels.dtype() == DType::u8)
    with_type(image.pixels.data<uint8_t>());
  else
    with_type(image.pixels.data<float>());
}

Tensor render_view(const Image& image, const ViewParameters& view, const Normalization& normalization) {
  const TagScope tag(MemoryTag::data);
  Tensor out = Tensor::empty({view.size, view.size, image.channels()});
  render_view(image, view, normalization, out.mutable_data<float>());
  return out;
}

}  // namespace minissl
