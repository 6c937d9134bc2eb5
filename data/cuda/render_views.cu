#include "data/device_views.h"
#include "tensor/cuda/reduce.h"

// One block per view, with the same passes as render_view.cpp.
namespace minissl {
namespace {

using namespace cuda;

struct Source {
  const void* pixels;
  bool bytes;  // or floats
  int height, width;
  ViewParameters view;
};

// Calls f(i) for each i < count on the threads of the block, then synchronises them.
template <class F>
__device__ void each_in_block(int64_t count, F f) {
  for (int64_t i = threadIdx.x; i < count; i += block_threads) f(i);
  __syncthreads();
}

template <int C>
__device__ float mean_gray(const float* pixels, int64_t count) {
  float mean[C];
  for (int c = 0; c < C; ++c)
    mean[c] =
        static_cast<float>(block_sum<double>(count, [=](int64_t i) { return static_cast<double>(pixels[i * C + c]); }) /
                           static_cast<double>(count));
  return gray<C>(mean);
}

template <int C>
__device__ void apply_jitter(float* pixels, int64_t count, Jitter kind, float factor) {
  if (kind == Jitter::brightness) {
    if (factor != 1) each_in_block(count * C, [=](int64_t i) { pixels[i] = blend(pixels[i], 0, factor); });
  } else if (kind == Jitter::contrast) {
    if (factor == 1) return;
    const float mean = mean_gray<C>(pixels, count);
    each_in_block(count * C, [=](int64_t i) { pixels[i] = blend(pixels[i], mean, factor); });
  } else if (C == 3 && kind == Jitter::saturation && factor != 1) {
    each_in_block(count, [=](int64_t i) {
      float* p = pixels + i * C;
      const float other = gray<C>(p);
      for (int c = 0; c < C; ++c) p[c] = blend(p[c], other, factor);
    });
  } else if (C == 3 && kind == Jitter::hue && factor != 0) {
    each_in_block(count, [=](int64_t i) { turn_hue(pixels + i * C, factor); });
  }
}

// Blurs along one axis.
template <int C>
__device__ void blur_lines(const float* in, int size, float sigma, bool rows, float* out) {
  const int radius = blur_radius(sigma);
  float sum = 0;
  for (int k = -radius; k <= radius; ++k) sum += gaussian(k, sigma);
  each_in_block(int64_t{size} * size * C, [=](int64_t i) {
    const int c = static_cast<int>(i % C), x = static_cast<int>(i / C % size), y = static_cast<int>(i / C / size);
    float value = 0;
    for (int k = -radius; k <= radius; ++k) {
      const int from_x = rows ? reflect(x + k, size) : x, from_y = rows ? y : reflect(y + k, size);
      value += gaussian(k, sigma) / sum * in[(int64_t{from_y} * size + from_x) * C + c];
    }
    out[i] = value;
  });
}

template <int C>
__device__ void render(const Source& source, const Normalization& normalization, float* out, float* blurred) {
  const ViewParameters& view = source.view;
  const int size = view.size;
  const int64_t count = int64_t{size} * size;
  each_in_block(count, [&](int64_t i) {
    const int x = static_cast<int>(i % size), y = static_cast<int>(i / size);
    if (source.bytes)
      sample_pixel<C>(static_cast<const uint8_t*>(source.pixels), source.height, source.width, view.map, x, y,
                      out + i * C);
    else
      sample_pixel<C>(static_cast<const float*>(source.pixels), source.height, source.width, view.map, x, y,
                      out + i * C);
  });
  if (view.jitter)
    for (const Jitter kind : view.order) apply_jitter<C>(out, count, kind, view.factor[static_cast<size_t>(kind)]);
  if (C == 3 && view.gray)
    each_in_block(count, [=](int64_t i) {
      const float value = gray<C>(out + i * C);
      for (int c = 0; c < C; ++c) out[i * C + c] = value;
    });
  if (view.blur_sigma > 0) {
    blur_lines<C>(out, size, view.blur_sigma, true, blurred);
    blur_lines<C>(blurred, size, view.blur_sigma, false, out);
  }
  if (view.noise > 0)
    each_in_block((count + 3) / 4, [&](int64_t quad) {
      float normal[4];
      normal4(view.noise_source.bits(static_cast<uint32_t>(quad)), normal);
      for (int64_t i = 4 * quad; i < count && i < 4 * quad + 4; ++i)
        for (int c = 0; c < C; ++c) out[i * C + c] = add_noise(out[i * C + c], normal[i - 4 * quad], view.noise);
    });
  each_in_block(count * C, [&](int64_t i) {
    const float value = view.solarize ? solarize(out[i]) : out[i];
    const auto c = static_cast<size_t>(i % C);
    out[i] = (value - normalization.mean[c]) * (1 / normalization.std[c]);
  });
}

template <int C>
void render_all(const Source* sources, const Normalization& normalization, const Tensor& out) {
  const int64_t numel = out.numel() / out.dim(0);
  const Tensor scratch = Tensor::empty_like(out);
  float *to = mutable_data<float>(out), *blurred = mutable_data<float>(scratch);
  auto one = [=] __device__(int64_t n, int64_t) {
    render<C>(sources[n], normalization, to + n * numel, blurred + n * numel);
  };
  launch("render_views", out.device(), run_blocks<decltype(one)>, dim3(static_cast<unsigned>(out.dim(0))), one);
}

}  // namespace

Tensor render_views(const std::vector<DeviceView>& views, const Normalization& normalization) {
  require(!views.empty(), "a batch needs at least one view");
  const TagScope tag(MemoryTag::data);
  const Tensor& first = views.front().pixels;
  const int64_t size = views.front().parameters.size, channels = first.dim(2);
  const Tensor sources = Tensor::empty({static_cast<int64_t>(views.size() * sizeof(Source))}, DType::u8);
  auto* source = reinterpret_cast<Source*>(sources.mutable_data<uint8_t>());
  for (const auto& [pixels, parameters] : views) {
    require(pixels.dim(2) == channels && parameters.size == size, "views of a batch have one size, but {} is among {}",
            pixels, first);
    *source++ = {pixels.bytes_begin(), pixels.dtype() == DType::u8, static_cast<int>(pixels.dim(0)),
                 static_cast<int>(pixels.dim(1)), parameters};
  }
  const Tensor there = sources.to(first.device());
  const Tensor out =
      Tensor::empty({static_cast<int64_t>(views.size()), size, size, channels}, DType::f32, first.device());
  const auto* on_device = reinterpret_cast<const Source*>(data<uint8_t>(there));
  channels == 1 ? render_all<1>(on_device, normalization, out) : render_all<3>(on_device, normalization, out);
  return out;
}

}  // namespace minissl
