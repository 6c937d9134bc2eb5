#include "tensor/cuda/convolution_plan.h"

#include <gtest/gtest.h>
#include <set>

#include "tensor/cuda/h100.h"

/// cuDNN makes plans without the GPU, so any machine can check that networks get deterministic plans and none that
/// computes in another way than requested.
namespace minissl::cuda {
namespace {

using Direction = ConvolutionProblem::Direction;

struct Layer {
  const char* name;
  Shape x, w;
  int64_t stride, padding;
};
// One ResNet layer of each kind at 224 pixels.
const Layer layers[] = {
    {"stem", {64, 224, 224, 3}, {64, 7, 7, 3}, 2, 3},
    {"stem_gray", {64, 224, 224, 1}, {64, 7, 7, 1}, 2, 3},
    {"small_stem", {512, 32, 32, 3}, {64, 3, 3, 3}, 1, 1},
    {"basic", {64, 56, 56, 64}, {64, 3, 3, 64}, 1, 1},
    {"basic_stride2", {64, 56, 56, 64}, {128, 3, 3, 64}, 2, 1},
    {"basic_last", {64, 7, 7, 512}, {512, 3, 3, 512}, 1, 1},
    {"downsample", {64, 56, 56, 256}, {512, 1, 1, 256}, 2, 0},
    {"bottleneck_reduce", {64, 56, 56, 256}, {64, 1, 1, 256}, 1, 0},
    {"bottleneck_expand", {64, 7, 7, 512}, {2048, 1, 1, 512}, 1, 0},
    {"odd", {3, 9, 11, 7}, {13, 3, 3, 7}, 1, 1},
};

struct Case {
  Layer layer;
  Direction direction;
  DType type;
  bool tf32;

  ConvolutionProblem problem() const {
    const ops::ConvolutionGeometry geometry{layer.stride, layer.padding};
    const Shape &x = layer.x, &w = layer.w;
    return {.direction = direction,
            .x = channels_first(x),
            .w = channels_first(w),
            .y = channels_first({x[0], geometry.output_extent(x[1], w[1]), geometry.output_extent(x[2], w[2]), w[0]}),
            .stride = layer.stride,
            .padding = layer.padding,
            .type = type,
            .alignment = 16,
            .tf32 = tf32,
            .winograd = type == DType::f32};
  }
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Layer& layer : layers)
    for (const Direction direction : {Direction::forward, Direction::input_gradient, Direction::weight_gradient})
      for (const auto& [type, tf32] :
           {std::pair(DType::f32, false), {DType::f32, true}, {DType::bf16, false}, {DType::f64, false}})
        all.push_back({layer, direction, type, tf32});
  return all;
}

class ConvolutionPlans : public testing::TestWithParam<Case> {};

TEST_P(ConvolutionPlans, ExistForAnH100) {
  const ConvolutionProblem problem = GetParam().problem();
  const ConvolutionGraph graph(problem);
  const std::vector<ConvolutionPlan> plans = candidates(problem, graph, cudnn::device_properties(h100), 8);
  std::set<std::string> names;
  std::string listed;
  for (const ConvolutionPlan& plan : plans) {
    EXPECT_TRUE(names.insert(plan.name).second) << plan.name << " is there twice";
    EXPECT_LE(plan.workspace, workspace_limit);
    listed += fmt::format("{} ({} B) ", plan.name, plan.workspace);
  }
  RecordProperty("plans", listed);
}

std::string name_of_case(const testing::TestParamInfo<Case>& info) {
  const Case& c = info.param;
  const char* directions[] = {"forward", "input_gradient", "weight_gradient"};
  return fmt::format("{}_{}_{}{}", c.layer.name, directions[static_cast<int>(c.direction)], name_of(c.type),
                     c.tf32 ? "_tf32" : "");
}
INSTANTIATE_TEST_SUITE_P(, ConvolutionPlans, testing::ValuesIn(cases()), name_of_case);

TEST(ConvolutionPlan, IsRefusedWhereItComputesOtherwise) {
  ConvolutionProblem f32 = Case{layers[3], Direction::forward, DType::f32, false}.problem(), tf32 = f32, exact = f32;
  tf32.tf32 = true;
  exact.winograd = false;
  ConvolutionProblem bf16 = exact;
  bf16.type = DType::bf16;
  for (const ConvolutionProblem& p : {f32, tf32, exact, bf16}) {
    EXPECT_TRUE(computes(p, {}));
    EXPECT_FALSE(computes(p, {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}));
    EXPECT_FALSE(computes(p, {CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS}));
    EXPECT_FALSE(computes(p, {CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION}));
    EXPECT_FALSE(computes(p, {CUDNN_NUMERICAL_NOTE_FFT}));
  }
  const std::vector tensor_core{CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, winograd{CUDNN_NUMERICAL_NOTE_WINOGRAD};
  EXPECT_FALSE(computes(f32, tensor_core));
  EXPECT_TRUE(computes(tf32, tensor_core));
  EXPECT_TRUE(computes(bf16, tensor_core));
  EXPECT_TRUE(computes(f32, winograd));
  EXPECT_FALSE(computes(exact, winograd));
  EXPECT_FALSE(computes(bf16, winograd));
}

TEST(ConvolutionPlan, WhatCudnnCannotDoIsNamed) {
  ConvolutionProblem wrong = Case{layers[3], Direction::forward, DType::f32, false}.problem();
  wrong.y[1] = 65;
  EXPECT_THROW(ConvolutionGraph{wrong}, Error);
}

}  // namespace
}  // namespace minissl::cuda
