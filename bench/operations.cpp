#include <benchmark/benchmark.h>
#include <chrono>
#include <fmt/format.h>
#include <string>

#include "tensor/ops/batch_norm.h"
#include "tensor/ops/convolution.h"
#include "tensor/ops/matmul.h"
#include "tensor/parallel.h"
#include "tensor/simd/kernels.h"

// Single operations at ResNet's shapes. `of_peak` is their nominal GFLOP/s divided by the speed of the inner loop of
// matrix products on operands in the first-level cache, measured at the start of the program. Winograd's convolutions
// need only a quarter of the multiplications and may be above 1.
namespace minissl {
namespace {

double measure_peak() {
  using Clock = std::chrono::steady_clock;
  const simd::Kernels& k = simd::kernels();
  const int64_t rows = 2 * k.max_rows, columns = 2 * k.width, depth = 128, repeats = 20000;
  double best = 0;
  for (int attempt = 0; attempt < 5; ++attempt) {
    const auto begin = Clock::now();
    parallel_for(threads(), 1, [&](int64_t, int64_t) {
      const Tensor a = Tensor::full({rows, depth}, 0.5), b = Tensor::full({depth, columns}, 0.25);
      const Tensor c = Tensor::zeros({rows, columns});
      const float *a_data = a.data<float>(), *b_data = b.data<float>();
      float* c_data = c.mutable_data<float>();
      for (int64_t i = 0; i < repeats; ++i)
        k.multiply(rows, columns, depth, a_data, depth, b_data, columns, c_data, columns, {});
    });
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    best = std::max(best, 2.0 * static_cast<double>(rows * columns * depth * repeats * threads()) / seconds);
  }
  return best;
}

double peak() {
  static const double measured = measure_peak();
  return measured;
}

Tensor input(const Shape& shape) { return Tensor::full(shape, 0.5); }

// Runs `work`, which takes `flops` operations and moves at least `bytes` bytes.
template <class Work>
void measure(benchmark::State& state, double flops, int64_t bytes, Work&& work) {
  work();  // creates what is cached per shape
  for (auto _ : state) work();
  using benchmark::Counter;
  if (flops > 0) {
    state.counters["GFLOP/s"] = Counter(flops * 1e-9, Counter::kIsIterationInvariantRate);
    state.counters["of_peak"] = Counter(flops / peak(), Counter::kIsIterationInvariantRate);
  }
  state.counters["GB/s"] = Counter(static_cast<double>(bytes) * 1e-9, Counter::kIsIterationInvariantRate);
}

template <class Work>
void add(const std::string& name, double flops, int64_t bytes, Work&& work) {
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { measure(state, flops, bytes, work); })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

void add_convolution(const Shape& x_shape, const Shape& w_shape, ops::ConvolutionGeometry geometry) {
  const Shape y_shape{x_shape[0], geometry.output_extent(x_shape[1], w_shape[1]),
                      geometry.output_extent(x_shape[2], w_shape[2]), w_shape[0]};
  const std::string name = fmt::format("{}x{}x{}->{} at {} stride {}", w_shape[1], w_shape[2], w_shape[3], w_shape[0],
                                       x_shape[1], geometry.stride);
  const double flops = ops::convolution_flops(w_shape, y_shape);
  const int64_t bytes = 4 * (x_shape.numel() + w_shape.numel() + y_shape.numel());
  add("convolution " + name, flops, bytes,
      [=, x = input(x_shape), w = input(w_shape)] { benchmark::DoNotOptimize(ops::convolution(x, w, geometry)); });
  add("input gradient " + name, flops, bytes, [=, dy = input(y_shape), w = input(w_shape)] {
    benchmark::DoNotOptimize(ops::convolution_input_gradient(dy, w, x_shape, geometry));
  });
  add("weight gradient " + name, flops, bytes, [=, dy = input(y_shape), x = input(x_shape)] {
    benchmark::DoNotOptimize(ops::convolution_weight_gradient(dy, x, w_shape, geometry));
  });
}

void add_matmul(int64_t m, int64_t n, int64_t k) {
  add(fmt::format("matmul {}x{}x{}", m, n, k), 2.0 * static_cast<double>(m * n * k), 4 * (m * k + n * k + m * n),
      [a = input({m, k}), b = input({n, k})] {
        benchmark::DoNotOptimize(ops::matmul(a, b, {false, true}));
      });
}

void add_batch_norm(const Shape& shape) {
  const int64_t channels = shape[3];
  const Tensor x = input(shape), per_channel = input({channels});
  add(fmt::format("batch norm + relu {} at {}", channels, shape[1]), 0, 3 * x.bytes(), [=] {
    const ops::BatchNormStatistics statistics{x, Tensor::empty_like(per_channel), Tensor::empty_like(per_channel)};
    run(statistics);
    run(ops::BatchNorm{.x = x,
                       .weight = per_channel,
                       .bias = per_channel,
                       .mean = statistics.mean,
                       .variance = statistics.variance,
                       .residual = {},
                       .y = Tensor::empty_like(x),
                       .relu = true});
  });
}

void add_all(int64_t batch) {
  add_convolution({batch, 224, 224, 3}, {64, 7, 7, 3}, {2, 3});
  for (int64_t channels = 64, size = 56; channels <= 512; channels *= 2, size /= 2) {
    add_convolution({batch, size, size, channels}, {channels, 3, 3, channels}, {1, 1});
    add_convolution({batch, size, size, channels}, {4 * channels, 1, 1, channels}, {});
    add_convolution({batch, size, size, 4 * channels}, {channels, 1, 1, 4 * channels}, {});
    if (channels < 512) add_convolution({batch, size, size, channels}, {2 * channels, 3, 3, channels}, {2, 1});
    add_batch_norm({batch, size, size, channels});
  }
  add_convolution({4 * batch, 4, 4, 256}, {256, 3, 3, 256}, {1, 1});
  add_convolution({4 * batch, 2, 2, 512}, {512, 3, 3, 512}, {1, 1});
  add_matmul(batch, 65536, 128);  // MoCo's negatives
  add_matmul(2048, 2048, 64);     // BarlowTwins' correlation
  add_matmul(64, 2048, 2048);     // a layer of its projector
}

}  // namespace
}  // namespace minissl

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  minissl::set_threads(minissl::allowed_threads());
  fmt::print(stderr, "{} threads, {} kernels, matrix products reach {:.0f} GFLOP/s\n", minissl::threads(),
             minissl::simd::kernels().name, minissl::peak() * 1e-9);
  minissl::add_all(16);
  benchmark::RunSpecifiedBenchmarks();
}
