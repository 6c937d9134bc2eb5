#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "autograd/functions.h"
#include "autograd/graph.h"
#include "tests/autograd/leaf.h"

namespace minissl {
namespace {

using testing::ElementsAre;

template <class F>
void expect_error(F&& f, const std::string& part) {
  try {
    f();
    FAIL() << "nothing was thrown, expected: " << part;
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
  }
}

TEST(Backward, VariableUsedTwiceGetsTheSum) {
  const Variable x = leaf({3, -2});
  backward(sum(x + x));
  EXPECT_THAT(x.grad().to_vector(), ElementsAre(2, 2));
  const Variable y = leaf({3, -2});
  backward(sum(y * y));
  EXPECT_THAT(y.grad().to_vector(), ElementsAre(6, -4));
}

// A residual block: y = x^2 + 3 x, used again as y * x.
TEST(Backward, DiamondsAddUp) {
  const Variable x = leaf({2, -1});
  const Variable y = square(x) + 3 * x;
  backward(sum(y * x));  // x^3 + 3 x^2
  EXPECT_THAT(x.grad().to_vector(), ElementsAre(24, -3));
}

// A hundred doublings would take 2^100 steps if nodes were visited more than once.
TEST(Backward, EachNodeIsVisitedOnce) {
  const Variable x = leaf({1});
  Variable y = x;
  for (int i = 0; i < 100; ++i) y = y + y;
  backward(y);
  EXPECT_EQ(x.grad().item(), std::ldexp(1, 100));
}

// If a derivative returns one tensor for two inputs, it must not be accumulated into in place.
TEST(Backward, SharedGradientsAreNotOverwritten) {
  const Variable a = leaf({1, 2}), b = leaf({3, 4});
  const auto add = [](const Variable& u, const Variable& v) {
    return record("add_sharing", {u, v}, (u + v).value(), {},
                  [](const Tensor& dy, const BackwardContext&) -> std::vector<Tensor> {
                    return {dy, dy};
                  });
  };
  const Variable y = add(a, b);
  backward(sum(add(add(y, a), add(y, y))));  // 3 y + a = 4 a + 3 b
  EXPECT_THAT(a.grad().to_vector(), ElementsAre(4, 4));
  EXPECT_THAT(b.grad().to_vector(), ElementsAre(3, 3));
}

TEST(Backward, CotangentOfTheCallerIsNotOverwritten) {
  const Variable x = leaf({1, 2});
  const Tensor cotangent = numbers({2}, {10, 20});
  const Variable y = x + x;
  backward(y + y, cotangent);
  EXPECT_THAT(x.grad().to_vector(), ElementsAre(40, 80));
  EXPECT_THAT(cotangent.to_vector(), ElementsAre(10, 20));
}

TEST(Backward, TwoCallsAccumulate) {
  const Variable x = leaf({3, -2});
  backward(sum(square(x)));
  const Tensor first = x.grad();
  backward(sum(5 * x));
  EXPECT_THAT(x.grad().to_vector(), ElementsAre(6 + 5, -4 + 5));
  EXPECT_EQ(x.grad().storage(), first.storage()) << "the second call adds in place";
}

TEST(Backward, GradientIsWrittenIntoTheTensorGiven) {
  const Tensor arena = Tensor::full({8}, 7, DType::f64);
  Variable x = leaf({3, -2});
  x.set_grad(arena.slice(3, {2}));
  backward(sum(square(x)));
  EXPECT_THAT(arena.to_vector(), ElementsAre(7, 7, 7, 7 + 6, 7 - 4, 7, 7, 7)) << "it is added to";
  x.set_grad({});
  EXPECT_FALSE(x.grad().defined());
  backward(sum(x));
  EXPECT_THAT(x.grad().to_vector(), ElementsAre(1, 1));
  EXPECT_EQ(arena.at(3), 13);
  expect_error([&] { x.set_grad(Tensor::zeros({3}, DType::f64)); }, "gradient f64[3] for a leaf f64[2]");
}

TEST(Backward, GradientsOfLeavesAreTaggedAsSuch) {
  const auto gradient_bytes = [] { return allocator().usage().live_by_tag[static_cast<size_t>(MemoryTag::gradient)]; };
  const int64_t before = gradient_bytes();
  const Variable x = leaf(std::vector<double>(16, 1.0));
  backward(sum(square(x)));
  EXPECT_EQ(gradient_bytes() - before, 16 * 8);
}

TEST(Backward, ConstantsGetNoGradient) {
  const Variable x = leaf({3, -2}), constant = numbers({2}, {5, 6});
  const Variable y = x * constant;
  EXPECT_TRUE(y.requires_grad());
  EXPECT_FALSE(constant.requires_grad());
  EXPECT_FALSE((constant * constant).requires_grad());
  backward(sum(y));
  EXPECT_THAT(x.grad().to_vector(), ElementsAre(5, 6));
  expect_error([&] { constant.grad(); }, "only a leaf that requires a gradient has one");
  expect_error([&] { y.grad(); }, "only a leaf that requires a gradient has one");
}

TEST(Backward, StopsAtDetach) {
  const Variable x = leaf({3, -2});
  backward(sum(x * detach(x)));
  EXPECT_THAT(x.grad().to_vector(), ElementsAre(3, -2));
  expect_error([&] { backward(sum(detach(x))); }, "nothing that the root depends on requires a gradient");
}

TEST(Backward, RootThatIsALeaf) {
  const Variable x = leaf({3});
  const Tensor cotangent = numbers({1}, {4});
  backward(x, cotangent);
  EXPECT_EQ(x.grad().item(), 4);
  backward(x);
  EXPECT_EQ(x.grad().item(), 5);
  EXPECT_EQ(cotangent.item(), 4) << "the gradient is a copy";
}

TEST(Backward, RootMustBeAScalar) {
  const Variable x = leaf({3, -2});
  expect_error([&] { backward(square(x)); }, "needs a scalar, not f64[2]");
  expect_error([&] { backward(square(x), numbers({3}, {1, 2, 3})); }, "cotangent f64[3] for a root f64[2]");
}

TEST(Backward, FreesWhatWasSaved) {
  const int64_t before = allocator().usage().live;
  {
    const Variable x = Variable::leaf(Tensor::zeros({64, 32})), w = Variable::leaf(Tensor::zeros({16, 32}));
    Tensor loss;
    const int64_t leaves = allocator().usage().live;
    {
      Variable y = normalize(relu(linear(x, w, {})) + 1.0);
      for (int i = 0; i < 5; ++i) y = square(y) * 0.5;
      const Variable root = sum(y);
      y = {};
      EXPECT_GT(allocator().usage().live, leaves + 5 * 64 * 16 * 4);
      backward(root);
      const int64_t gradients = x.grad().bytes() + w.grad().bytes();
      EXPECT_EQ(allocator().usage().live, leaves + gradients + 64) << "the root's value is all that is left";
    }
    EXPECT_EQ(allocator().usage().live, leaves + x.grad().bytes() + w.grad().bytes());
  }
  EXPECT_EQ(allocator().usage().live, before);
}

TEST(Backward, FreesOnTheWay) {
  // Twenty squares of 64 KiB each: gradients reuse the memory of saved tensors, so the peak is two or three tensors
  // above the forward pass's, not twice as high.
  const Variable x = Variable::leaf(Tensor::full({16384}, 1));
  Variable y = x;
  for (int i = 0; i < 20; ++i) y = square(y);
  const Variable root = sum(y);
  y = {};
  const int64_t after_forward = allocator().usage().live;
  allocator().reset_peak();
  backward(root);
  EXPECT_LE(allocator().usage().peak - after_forward, 3 * 65536);
}

TEST(Backward, DroppedGraphFreesItsMemory) {
  const int64_t before = allocator().usage().live;
  {
    const Variable x = leaf({3, -2});
    Variable y = square(x);
    for (int i = 0; i < 10; ++i) y = y * y;
  }
  EXPECT_EQ(allocator().usage().live, before);
}

TEST(Backward, SecondTimeThroughAGraphIsAnError) {
  const Variable x = leaf({3, -2}), y = square(x), root = sum(y);
  backward(root);
  expect_error([&] { backward(root); }, "sum: backward() has been through this graph before");
  expect_error([&] { backward(sum(y)); }, "square: backward() has been through this graph before");
  EXPECT_THAT(x.grad().to_vector(), ElementsAre(6, -4)) << "neither of them changed anything";
}

TEST(Backward, ChangedSavedTensorIsAnErrorThatNamesTheOperation) {
  const Variable x = leaf({3, -2});
  const Variable product = sum(x * x);
  x.value().fill(1);
  expect_error([&] { backward(product); }, "multiply: the tensor f64[2] it saved for backward was changed in place");

  const Variable z = leaf({4, 9}), root = sqrt(z);  // saves its output
  root.value().mutable_data<double>()[0] = 0;
  expect_error([&] { backward(sum(root)); }, "sqrt: the tensor f64[2]");

  const Variable unaffected = sum(z + z);  // add saves nothing
  z.value().fill(1);
  backward(unaffected);
  EXPECT_THAT(z.grad().to_vector(), ElementsAre(2, 2));
}

TEST(Backward, ChangeThroughAViewIsNoticed) {
  const Tensor arena = Tensor::zeros({10}, DType::f64);
  const Variable x = Variable::leaf(arena.slice(2, {3})), root = sum(square(x));
  arena.fill(1);
  expect_error([&] { backward(root); }, "square: the tensor f64[3]");
}

TEST(Backward, DerivativeOfTheWrongShapeIsAnError) {
  const Variable x = leaf({3, -2});
  const Variable y = record(
      "crooked", {x}, x.value().clone(), {},
      [](const Tensor&, const BackwardContext&) -> std::vector<Tensor> { return {Tensor::zeros({3}, DType::f64)}; });
  expect_error([&] { backward(sum(y)); }, "crooked: the gradient of input 0 is f64[3], not [2]");
}

TEST(Backward, DerivativeKnowsWhatIsWanted) {
  const Variable x = leaf({3}), constant = numbers({1}, {5});
  std::vector<bool> needed;
  const auto y = record("asking", {x, constant, x}, x.value().clone(), {},
                        [&](const Tensor& dy, const BackwardContext& context) -> std::vector<Tensor> {
                          for (size_t i = 0; i < 3; ++i) needed.push_back(context.needs(i));
                          return {dy, {}, {}};
                        });
  backward(y);
  EXPECT_THAT(needed, ElementsAre(true, false, true));
  EXPECT_EQ(x.grad().item(), 1) << "a gradient left undefined counts as zero";
}

TEST(Backward, LeafKeepsItsGradientWhenItsValueIsReplaced) {
  Variable x = leaf({3});
  backward(square(x));
  x.set_value(numbers({1}, {10}));
  backward(square(x));
  EXPECT_EQ(x.grad().item(), 6 + 20);
}

}  // namespace
}  // namespace minissl
