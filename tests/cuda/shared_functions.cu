// Kernels that call every function shared by host and device. Nothing launches them yet: the test is that they compile,
// and the CPU's tests check the functions' results.
#include "data/augment_functions.h"
#include "tensor/ops/functions.h"
#include "tensor/random.h"

namespace minissl {

__device__ int thread_index() { return static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); }

template <class F>
__global__ void unary(const float* dy, const float* x, float* y, float* dx, F f, int n) {
  const int i = thread_index();
  if (i >= n) return;
  y[i] = f(x[i]);
  dx[i] = f.gradient(dy[i], x[i], y[i]);
}
template __global__ void unary(const float*, const float*, float*, float*, ops::Relu, int);
template __global__ void unary(const float*, const float*, float*, float*, ops::Sqrt, int);
template __global__ void unary(const float*, const float*, float*, float*, ops::Square, int);
template __global__ void unary(const float*, const float*, float*, float*, ops::Affine, int);

template <class F>
__global__ void binary(const float* dy, const float* a, const float* b, float* y, float* da, float* db, F f, int n) {
  const int i = thread_index();
  if (i >= n) return;
  y[i] = f(a[i], b[i]);
  da[i] = f.gradient_a(dy[i], a[i], b[i]);
  db[i] = f.gradient_b(dy[i], a[i], b[i]);
}
template __global__ void binary(const float*, const float*, const float*, float*, float*, float*, ops::Add, int);
template __global__ void binary(const float*, const float*, const float*, float*, float*, float*, ops::Subtract, int);
template __global__ void binary(const float*, const float*, const float*, float*, float*, float*, ops::Multiply, int);

__global__ void draw(float* out, uint64_t seed, int n) {
  const int i = thread_index();
  if (i >= n) return;
  const Random random(seed, RandomSite::test);
  out[i] = random.uniform(static_cast<uint32_t>(i)) + random.normal(static_cast<uint32_t>(i));
}

template <int C, class T>
__global__ void augment(const T* pixels, int height, int width, InverseMap map, int size, float* out) {
  const int i = thread_index();
  if (i >= size * size) return;
  float* pixel = out + i * C;
  sample_pixel<C>(pixels, height, width, map, i % size, i / size, pixel);
  float normal[4];
  normal4(Random(0, RandomSite::noise).bits(static_cast<uint32_t>(i)), normal);
  if constexpr (C == 3) turn_hue(pixel, 0.1f);
  for (int c = 0; c < C; ++c)
    pixel[c] = add_noise(solarize(blend(pixel[c], gray<C>(pixel), 0.5f)), normal[0],
                         gaussian(reflect(blur_radius(1.5f), size), 1.5f));
}
template __global__ void augment<1>(const uint8_t*, int, int, InverseMap, int, float*);
template __global__ void augment<3>(const uint8_t*, int, int, InverseMap, int, float*);
template __global__ void augment<1>(const float*, int, int, InverseMap, int, float*);

}  // namespace minissl
