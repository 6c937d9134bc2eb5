#include "ssl/step/step_graph.h"

#include <gtest/gtest.h>

#include "tests/ssl/small_step.h"

namespace minissl {
namespace {

TEST(StepGraph, KeepsWhatWasPredictedUnderEveryPlan) {
  for (const MethodEntry& method : methods()) {
    StepDescription step = describe(method.name, resnet18, {4, 32, 32, 3});
    for (const DType activations : {DType::f32, DType::bf16})
      for (const RecomputePlan& plan : {RecomputePlan(), RecomputePlan(RecomputePlan::Policy::block)}) {
        step.activations = activations;
        int64_t kept = 0;
        for (const StepOperation& operation : graph_of_step(step, plan)) kept += operation.kept;
        EXPECT_EQ(kept, predict_step(step, plan).activations()) << method.name;
      }
  }
}

TEST(StepGraph, ReadsEveryParameterOnceInEachView) {
  const StepDescription step = describe("barlow");
  const std::vector<StepOperation> operations = graph_of_step(step, {});
  std::map<std::string, int> reads;
  std::vector<int> used(operations.size());
  for (size_t i = 0; i < operations.size(); ++i) {
    for (const std::string& name : operations[i].parameters) ++reads[name];
    for (const size_t input : operations[i].inputs) {
      ASSERT_LT(input, i) << "inputs come first";
      ++used[input];
    }
  }
  const auto method = step.make(DType::f32);
  for (const StateEntry& e : method->parameters()) EXPECT_EQ(reads[e.name], 2) << e.name;
  EXPECT_EQ(std::count(used.begin(), used.end(), 0), 1) << "only the loss is read by nobody";
  EXPECT_EQ(used.back(), 0);
  const StepOperation& first = operations.front();
  EXPECT_EQ(first.part, "stem");
  EXPECT_EQ(first.view, 1);
  EXPECT_EQ(first.shape, (Shape{8, 16, 16, 64}));
  EXPECT_TRUE(first.inputs.empty()) << "images are constants";
  EXPECT_EQ(operations.back().view, 0);
  EXPECT_TRUE(operations.back().part.empty());
}

TEST(StepGraph, CopiesOfWeightsInBf16StandForTheWeights) {
  StepDescription step = describe("simsiam");
  const auto reads = [&] {
    std::vector<std::vector<std::string>> of_convolutions;
    for (const StepOperation& operation : graph_of_step(step, {}))
      if (operation.name == "convolution") of_convolutions.push_back(operation.parameters);
    return of_convolutions;
  };
  const auto in_f32 = reads();
  step.activations = DType::bf16;
  EXPECT_EQ(reads(), in_f32);
  EXPECT_EQ(in_f32.size(), 40U) << "of ResNet-18 with its shortcuts, twice";
}

TEST(StepGraph, LeavesOutKeys) {
  for (const StepOperation& operation : graph_of_step(describe("moco"), {})) {
    EXPECT_LT(operation.view, 2);
    for (const std::string& name : operation.parameters) EXPECT_TRUE(name.starts_with("encoder_q.")) << name;
  }
}

}  // namespace
}  // namespace minissl
