#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "ssl/step/step_record.h"
#include "tests/cuda/gpu.h"
#include "tests/samples/sample.h"
#include "tests/ssl/small_step.h"

/// Whole training steps on a GPU.
namespace minissl {
namespace {

class StepOnGpu : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { MINISSL_NEEDS_GPU(); }

  const int64_t size_ = GetParam() == "spark" ? 16 : 8;  // it hides some of the cells of 8 pixels
  const Shape images_{4, size_, size_, 3};

  StepDescription description() const { return describe(GetParam(), resnet18, images_, Stem::small, network_width); }

  // Every tensor of some steps: two for MoCo, because of its queue; apart from the networks the methods are alike.
  NamedTensors record(Device device, const RecomputePlan& plan) const {
    const DeviceScope device_scope(device);
    const std::unique_ptr<Method> method = description().make(DType::f64);
    return record_steps(*method, {}, Schedule{"constant", 1e-3}, GetParam() == "moco" ? 2 : 1, plan,
                        [&](int64_t step) { return random_batch(*method, images_, step, DType::f64, device); });
  }
};

bool is_rounding(const Tensor& t) {
  const std::vector<double> values = t.to(Device{}).to_vector();
  return std::all_of(values.begin(), values.end(), [](double v) { return std::abs(v) < 1e-14; }) &&
         std::any_of(values.begin(), values.end(), [](double v) { return v != 0; });
}

TEST_P(StepOnGpu, AgreesWithTheCpu) {
  const NamedTensors actual = record(gpu, {}), expected = record({}, {});
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(actual[i].first, expected[i].first);
    // SimSiam's predictor averages values that were just centred: only rounding is left on both sides.
    if (is_rounding(actual[i].second) && is_rounding(expected[i].second)) continue;
    EXPECT_LE(samples::relative_error(actual[i].second.to(Device{}), expected[i].second), 1e-7) << actual[i].first;
  }
}

TEST_P(StepOnGpu, HasTheSameBitsWithRecomputation) {
  const NamedTensors actual = record(gpu, RecomputePlan(RecomputePlan::Policy::block)), expected = record(gpu, {});
  for (size_t i = 0; i < actual.size(); ++i)
    EXPECT_TRUE(samples::same_bits(actual[i].second.to(Device{}), expected[i].second.to(Device{}))) << actual[i].first;
}

TEST_P(StepOnGpu, TakesThePredictedMemory) {
  const DeviceScope device_scope(gpu);
  const StepDescription step = description();
  const auto predicted = static_cast<double>(predict_step(step, {}).usage.peak);
  EXPECT_NEAR(static_cast<double>(RealStep(step).peak({})), predicted, 0.001 * predicted);
}

INSTANTIATE_TEST_SUITE_P(, StepOnGpu, testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const MethodEntry& method : methods()) names.push_back(method.name);
                           return names;
                         }()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace minissl
