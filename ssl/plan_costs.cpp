#include "ssl/plan_costs.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <tuple>

#include "tensor/cuda/device.h"
#include "tensor/memory.h"
#include "tensor/ops/batch_norm.h"

namespace minissl {
namespace {

constexpr int repetitions = 3;
constexpr double long_enough = 0.1;  // seconds: what takes longer is measured once

// Seconds that f takes, when what is made once per shape is there.
template <class F>
double measure(Device device, F&& f) {
  using Clock = std::chrono::steady_clock;
  const auto once = [&] {
    const auto begin = Clock::now();
    f();
    if (device.type == DeviceType::cuda) cuda::synchronize(device);
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  double best = once();
  for (int i = 0; i < repetitions && best < long_enough; ++i) best = std::min(best, once());
  return best;
}

/// Measures each shape once, in a type on a device.
class Stopwatch {
 public:
  Stopwatch(Device device, DType dtype) : device_(device), dtype_(dtype) {}

  double convolution(const PartRecord::Convolution& c) {
    const auto [known, first] =
        convolutions_.try_emplace({c.x.str(), c.w.str(), c.geometry.stride, c.geometry.padding});
    if (first) {
      const Tensor x = zeros(c.x), w = zeros(c.w);
      known->second = measure(device_, [&] { ops::convolution(x, w, c.geometry); });
    }
    return known->second;
  }

  double output(const Shape& shape) {
    const auto [known, first] = outputs_.try_emplace(shape.str());
    if (first) {
      const Shape channels{shape[shape.rank() - 1]};
      const Tensor x = zeros(shape), scale = Tensor::full(channels, 1, master_type(dtype_), device_);
      const ops::BatchNorm op{.x = x,
                              .weight = scale,
                              .bias = scale,
                              .mean = scale,
                              .variance = scale,
                              .residual = x,
                              .y = Tensor::empty_like(x),
                              .relu = true};
      known->second = measure(device_, [&] { run(op); });
    }
    return known->second;
  }

 private:
  Tensor zeros(const Shape& shape) const { return Tensor::full(shape, 0, dtype_, device_); }

  Device device_;
  DType dtype_;
  std::map<std::tuple<std::string, std::string, int64_t, int64_t>, double> convolutions_;
  std::map<std::string, double> outputs_;
};

}  // namespace

template <class Convolution, class Output>
PlanCosts::PlanCosts(const std::vector<PartMemory>& parts, bool in_seconds, Convolution&& convolution, Output&& output)
    : in_seconds_(in_seconds) {
  for (const PartMemory& part : parts) {
    Part& costs = parts_.emplace_back();
    for (const PartRecord::Convolution& c : part.record.convolutions) costs.convolutions.push_back(convolution(c));
    if (part.record.output.rank() > 0) costs.output = output(part.record.output);
  }
}

PlanCosts PlanCosts::counted(const std::vector<PartMemory>& parts) {
  return {parts, false, [](const PartRecord::Convolution& c) { return ops::convolution_flops(c.w, c.y); },
          // Bound by the memory, not by its few operations: weighed as 16 for an element.
          [](const Shape& output) { return 16 * static_cast<double>(output.numel()); }};
}

std::optional<PlanCosts> PlanCosts::measured(const std::vector<PartMemory>& parts, Device device, DType activations) {
  try {
    Stopwatch stopwatch(device, activations);
    PlanCosts costs(
        parts, true, [&](const PartRecord::Convolution& c) { return stopwatch.convolution(c); },
        [&](const Shape& output) { return stopwatch.output(output); });
    allocator(device).release_cached();
    return costs;
  } catch (const OutOfMemory&) {
    allocator(device).release_cached();
    return std::nullopt;
  }
}

}  // namespace minissl
