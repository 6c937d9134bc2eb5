#include <gtest/gtest.h>

#include "ssl/step/memory_plan.h"
#include "tensor/memory_source.h"
#include "tests/ssl/small_step.h"

namespace minissl {
namespace {

class StepMemoryOf : public testing::TestWithParam<std::string> {};

TEST_P(StepMemoryOf, IsPredictedToThreePercentUnderEveryPlan) {
  if (sanitized) GTEST_SKIP();
  using Policy = RecomputePlan::Policy;
  const std::tuple<ResNetDepth, Shape, Stem> cases[] = {{resnet18, {6, 48, 48, 1}, Stem::imagenet},
                                                        {resnet18, {8, 16, 16, 3}, Stem::small},
                                                        {resnet50, {8, 32, 32, 3}, Stem::imagenet}};
  for (const DType activations : {DType::f32, DType::bf16})
    for (const auto& [depth, images, stem] : cases) {
      // The methods differ in their heads and losses, in the number of recorded views, and in key encoders: for
      // ResNet-50, one of each kind is enough.
      if (depth.bottleneck && GetParam() != "moco" && GetParam() != "barlow") continue;
      StepDescription step = describe(GetParam(), depth, images, stem);
      step.activations = activations;
      const MemoryPlan all = describe_plan(step, {});
      std::vector<MemoryPlan> plans{all, describe_plan(step, RecomputePlan(Policy::stage)),
                                    describe_plan(step, RecomputePlan(Policy::block))};
      if (const auto planned = plan_memory(step, all.needed() - all.memory.activations() / 3))
        plans.push_back(*planned);
      RealStep real(step);
      for (const MemoryPlan& plan : plans) {
        // Small images have few activations compared with the parameters, whose share is known and would hide them.
        int64_t stays = 0;
        for (const MemoryTag tag : {MemoryTag::parameter, MemoryTag::gradient, MemoryTag::optimizer})
          stays += plan.memory.at_peak(tag);
        const auto predicted = static_cast<double>(plan.memory.usage.peak - stays);
        EXPECT_NEAR(static_cast<double>(real.peak(plan.recompute) - stays), predicted, 0.03 * predicted);
      }
    }
}

INSTANTIATE_TEST_SUITE_P(, StepMemoryOf, testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const MethodEntry& method : methods()) names.push_back(method.name);
                           return names;
                         }()),
                         [](const auto& info) { return info.param; });

TEST(StepMemory, DistinguishesStagesAndViews) {
  const StepMemory memory = predict_step(describe("barlow", resnet50, {4, 64, 64, 3}), {});
  ASSERT_EQ(memory.parts.size(), 2U * 17);
  EXPECT_EQ(memory.parts[16].view, 1);
  EXPECT_EQ(memory.parts[17].view, 2);
  for (size_t p = 0; p < 17; ++p) EXPECT_EQ(memory.parts[p].kept, memory.parts[17 + p].kept) << p;
  // The stem keeps its convolution's output, 32 x 32 x 64 floats per image, and one byte for each of the pooling's 16 x
  // 16 x 64 positions; the rest are statistics.
  EXPECT_NEAR(static_cast<double>(memory.parts[0].kept), 4 * (32 * 32 * 64 * 4 + 16 * 16 * 64), 1024);
  // A bottleneck keeps its input, its three convolutions' outputs, and one bit per element of its own output.
  EXPECT_NEAR(static_cast<double>(memory.parts[2].kept), 4 * 16 * 16 * ((256 + 64 + 64 + 256) * 4 + 256 / 8), 4096);
  // An autograd that keeps each operation's input keeps two tensors per convolution except the shortcut's. For the
  // first block: its input, then (64 + 64) x 2 + 256 channels and the shortcut's 256.
  EXPECT_EQ(memory.parts[1].naive, 4 * 16 * 16 * (64 + 4 * 64 + 256 + 256) * 4);
  EXPECT_EQ(memory.parts[2].naive, 4 * 16 * 16 * (256 + 4 * 64 + 256) * 4);
  EXPECT_EQ(memory.parts[0].naive, 4 * (2 * 32 * 32 * 64 * 4 + 16 * 16 * 64 * 8));
  // MoCo's keys are not recorded.
  EXPECT_EQ(predict_step(describe("moco"), {}).parts.size(), 9U);
}

TEST(StepMemory, KnowsBf16) {
  StepDescription step = describe("barlow", resnet50, {16, 64, 64, 3});
  const StepMemory f32 = predict_step(step, {});
  step.activations = DType::bf16;
  const StepMemory bf16 = predict_step(step, {});
  const auto parameters = [](const StepMemory& m) {
    return m.usage.live_by_tag[static_cast<size_t>(MemoryTag::parameter)];
  };
  // Offsets in the arena, whose parameters are aligned to 64 bytes, up to the last convolution.
  int64_t begin = 0, copied = 0;
  const auto method = step.make(DType::f32);
  for (const StateEntry& e : method->backbone().parameters()) {
    if (e.tensor().rank() == 4) copied = begin + e.tensor().numel();
    begin += (e.tensor().numel() + 15) / 16 * 16;
  }
  EXPECT_EQ(parameters(bf16), parameters(f32) + copied * 2);
  // Half, except for the pooling's positions, the masks and the statistics.
  EXPECT_LT(bf16.parts[1].kept, 0.55 * f32.parts[1].kept);
  EXPECT_EQ(bf16.kept_by_projector, f32.kept_by_projector);
  // A GPU needs no conversion of bf16.
  step.device.type = DeviceType::cuda;
  EXPECT_LT(predict_step(step, {}).usage.peak, bf16.usage.peak);
}

TEST(MemoryPlan, FitsItsBudgetAndCostsMoreTheSmallerItIs) {
  for (const char* method : {"moco", "barlow"}) {
    const StepDescription step = describe(method, resnet50, {32, 96, 96, 3});
    const MemoryPlan all = describe_plan(step, {}), least = smallest_plan(step);
    const MemoryPlan stage = describe_plan(step, RecomputePlan(RecomputePlan::Policy::stage));
    double previous = -1;
    for (int quarters = 4; quarters >= 0; --quarters) {
      const int64_t budget = least.needed() + (all.needed() - least.needed()) * quarters / 4;
      const auto plan = plan_memory(step, budget);
      ASSERT_TRUE(plan) << method << " " << quarters;
      EXPECT_LE(plan->needed(), budget);
      EXPECT_GE(plan->extra_flops_percent, previous - 0.5) << method << " " << quarters;
      previous = plan->extra_flops_percent;
    }
    EXPECT_LE(previous, stage.extra_flops_percent + 1e-9) << "everything is repeated once at the most";
    EXPECT_FALSE(plan_memory(step, least.needed() / 2));
    // Better than the rule of thumb: it costs no more, and it fits.
    const auto instead = plan_memory(step, stage.needed());
    ASSERT_TRUE(instead);
    EXPECT_LT(instead->extra_flops_percent, stage.extra_flops_percent);
  }
}

TEST(PlanCosts, AreMeasuredForEveryProductAndOutput) {
  for (const DType dtype : {DType::f32, DType::f64, DType::bf16}) {
    StepDescription step = describe("barlow", resnet18, {4, 32, 32, 3});
    step.dtype = master_type(dtype);
    step.activations = dtype;
    const StepMemory memory = predict_step(step, {});
    const auto costs = PlanCosts::measured(memory.parts, {});
    ASSERT_TRUE(costs);
    EXPECT_TRUE(costs->in_seconds());
    ASSERT_FALSE(memory.parts.empty());
    for (size_t p = 0; p < memory.parts.size(); ++p) {
      const PartRecord& part = memory.parts[p].record;
      for (size_t i = 0; i < part.products.size(); ++i) {
        EXPECT_GT(costs->product(p, i), 0) << part.name;
        EXPECT_LT(costs->product(p, i), 10) << part.name;
      }
      if (part.output.bytes() > 0) {
        EXPECT_GT(costs->output(p), 0) << part.name;
      }
    }
  }
}

TEST(MemoryPlan, ByMeasuredCostsFitsItsBudgetAndSaysWhatItCosts) {
  const StepDescription step = describe("moco", resnet18, {16, 64, 64, 3});
  const MemoryPlan all = describe_plan(step, {}), least = smallest_plan(step);
  const int64_t budget = (all.needed() + least.needed()) / 2;
  const auto plan = plan_memory(step, budget, PlanCostSource::measured);
  ASSERT_TRUE(plan);
  EXPECT_LE(plan->needed(), budget);
  ASSERT_TRUE(plan->extra_seconds);
  EXPECT_GT(*plan->extra_seconds, 0);
  EXPECT_FALSE(plan_memory(step, budget)->extra_seconds);
}

TEST(MemoryPlan, LargestBatchIsTheLargest) {
  StepDescription step = describe("simsiam", resnet18, {64, 160, 160, 3});
  const int64_t budget = smallest_plan(step).needed() * 3 / 4;
  const auto even = [](int64_t b) { return b % 2 == 0; };
  const int64_t batch = largest_batch(step, budget, even);
  ASSERT_GT(batch, 2);
  step.images[0] = batch;
  EXPECT_TRUE(plan_memory(step, budget));
  step.images[0] = batch + 2;
  EXPECT_FALSE(plan_memory(step, budget));
  EXPECT_EQ(largest_batch(step, 1 << 20, even), 0);
}

}  // namespace
}  // namespace minissl
