#include "ssl/step/plan_costs.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>

#include "tensor/cuda/device.h"
#include "tensor/memory.h"

namespace minissl {
namespace {

constexpr int repetitions = 3;
constexpr double long_enough = 0.1;  // seconds: anything slower is measured once

// Seconds that f takes, without the setup done once per shape.
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

/// Measures each product once: runs its recipe on tensors of its inputs' shapes and types.
class Stopwatch {
 public:
  explicit Stopwatch(Device device) : device_(device) {}

  double seconds(const Product& product) {
    std::string key = fmt::format("{} {}{}", product.operation, product.shape.str(), product.flops);
    for (const Product::Input& input : product.inputs) key += name_of(input.dtype) + input.shape.str();
    const auto [known, first] = known_.try_emplace(key);
    if (first) {
      std::vector<Tensor> inputs;
      // Rank 0 means that this use of the operation lacks the input.
      for (const auto& [shape, dtype] : product.inputs)
        inputs.push_back(shape.rank() > 0 ? Tensor::full(shape, 1, dtype, device_) : Tensor());
      known->second = measure(device_, [&] { product.recipe(inputs); });
    }
    return known->second;
  }

 private:
  Device device_;
  std::map<std::string, double> known_;
};

}  // namespace

template <class Cost>
PlanCosts::PlanCosts(const std::vector<PartMemory>& parts, bool in_seconds, Cost&& cost) : in_seconds_(in_seconds) {
  for (const PartMemory& part : parts) {
    Part& costs = parts_.emplace_back();
    for (const Product& product : part.record.products) costs.products.push_back(cost(product));
    if (part.record.output.bytes() > 0) costs.output = cost(part.record.output);
  }
}

PlanCosts PlanCosts::counted(const std::vector<PartMemory>& parts) {
  return {parts, false, [](const Product& product) { return product.flops; }};
}

std::optional<PlanCosts> PlanCosts::measured(const std::vector<PartMemory>& parts, Device device) {
  try {
    Stopwatch stopwatch(device);
    PlanCosts costs(parts, true, [&](const Product& product) { return stopwatch.seconds(product); });
    allocator(device).release_cached();
    return costs;
  } catch (const OutOfMemory&) {
    allocator(device).release_cached();
    return std::nullopt;
  }
}

}  // namespace minissl
