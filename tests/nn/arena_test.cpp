#include "nn/arena.h"

#include <gtest/gtest.h>

#include "nn/layers.h"

namespace minissl {
namespace {

class Two : public Module {
 public:
  Two() {
    add_child("a", a);
    add_child("b", b);
  }
  Linear a{3, 5}, b{5, 2};
};

TEST(Arena, ParametersBecomeViewsWithTheirValues) {
  Two net;
  net.initialize(1);
  std::vector<std::vector<double>> before;
  for (const StateEntry& p : net.parameters()) before.push_back(p.tensor().to_vector());
  const ParameterArena arena(net);
  const auto parameters = net.parameters();
  ASSERT_EQ(parameters.size(), 4U);
  for (size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_EQ(parameters[i].tensor().to_vector(), before[i]);
    EXPECT_EQ(parameters[i].tensor().storage(), arena.values().storage());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(parameters[i].tensor().bytes_begin()) % 64, 0U);
    EXPECT_EQ(arena.segments()[i].name, parameters[i].name);
  }
}

TEST(Arena, BackwardWritesIntoTheGradientArenaAndPaddingStaysZero) {
  Two net;
  net.initialize(1);
  const ParameterArena arena(net);
  const Tensor x = Tensor::full({4, 3}, 1);
  backward(sum(net.b.forward(net.a.forward(x))));
  const auto parameters = net.parameters();
  double in_segments = 0, in_all = 0;
  for (const StateEntry& p : parameters)
    for (const double g : p.parameter->grad().to_vector()) in_segments += std::abs(g);
  for (const double g : arena.gradients().to_vector()) in_all += std::abs(g);
  EXPECT_GT(in_all, 0);
  EXPECT_DOUBLE_EQ(in_segments, in_all);
  EXPECT_EQ(parameters[3].parameter->grad().at(0), 4);  // d/db of the sum over four rows
  arena.zero_gradients();
  EXPECT_EQ(parameters[3].parameter->grad().at(0), 0);
}

// As in a transformer: weights of products meet bf16 activations.
TEST(Arena, LinearLayersMayHaveAConvertedCopyOfTheirWeights) {
  Linear linear(24, 7, {.converted = true});
  linear.initialize(1);
  const ParameterArena arena(linear);
  EXPECT_FALSE(arena.converted().tensor().defined()) << "nothing has asked for it yet";
  const Tensor x = Tensor::full({2, 5, 24}, 0.5, DType::bf16);
  const Variable y = linear.forward(x);
  EXPECT_EQ(y.shape(), (Shape{2, 5, 7}));
  EXPECT_EQ(y.value().dtype(), DType::bf16);
  EXPECT_EQ(arena.converted().tensor().numel(), 7 * 24) << "the bias stays as it is";
  const Tensor weight = linear.parameters()[0].tensor(), bias = linear.parameters()[1].tensor();
  for (int64_t o = 0; o < 7; ++o) {
    double expected = bias.at(o);
    for (int64_t i = 0; i < 24; ++i) expected += 0.5 * weight.at(o * 24 + i);
    EXPECT_NEAR(y.value().at(o), expected, 0.02) << o;
  }
  backward(sum(cast(y, DType::f32)));
  for (int64_t i = 0; i < 7 * 24; ++i) EXPECT_NEAR(linear.parameters()[0].parameter->grad().at(i), 5, 1e-6);
  EXPECT_NEAR(linear.parameters()[1].parameter->grad().at(0), 10, 1e-6);
  // The copy follows the weights.
  arena.values().fill(0);
  EXPECT_EQ(linear.forward(x).value().at(0), 0);
}

TEST(Arena, WithoutGradientsParametersAreConstants) {
  Two net;
  const ParameterArena arena(net, ParameterArena::Gradients::none);
  EXPECT_FALSE(arena.gradients().defined());
  EXPECT_FALSE(net.a.forward(Tensor::full({4, 3}, 1)).requires_grad());
}

}  // namespace
}  // namespace minissl
