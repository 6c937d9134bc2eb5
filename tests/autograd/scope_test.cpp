#include <gtest/gtest.h>
#include <stdexcept>
#include <thread>

#include "autograd/functions.h"
#include "autograd/graph.h"
#include "tests/autograd/leaf.h"

namespace minissl {
namespace {

TEST(NoGradScope, RecordsNothingAndKeepsNoMemory) {
  const Variable x = Variable::leaf(Tensor::full({16384}, 1));
  const int64_t before = allocator().usage().live;
  const NoGradScope scope;
  Variable y = x;
  allocator().reset_peak();
  for (int i = 0; i < 20; ++i) y = square(y);
  EXPECT_FALSE(y.requires_grad());
  EXPECT_EQ(allocator().usage().live - before, 65536) << "the last value is all that is left";
  EXPECT_LE(allocator().usage().peak - before, 2 * 65536);
}

TEST(NoGradScope, EndsWithItsBlockAndMayBeNested) {
  const Variable x = leaf({2});
  {
    const NoGradScope outer;
    { const NoGradScope inner; }
    EXPECT_FALSE(square(x).requires_grad());
  }
  EXPECT_TRUE(square(x).requires_grad());
  EXPECT_FALSE(no_grad([&] { return square(x); }).requires_grad());
  EXPECT_THROW(no_grad([]() -> int { throw std::runtime_error("lost"); }), std::runtime_error);
  EXPECT_TRUE(square(x).requires_grad());
}

TEST(NoGradScope, IsThisThreadsOnly) {
  const Variable x = leaf({2});
  const NoGradScope scope;
  bool recorded = false;
  std::thread([&] { recorded = square(x).requires_grad(); }).join();
  EXPECT_TRUE(recorded);
}

TEST(NoGradScope, HoldsWhileDerivativesRun) {
  const Variable x = leaf({2}), w = leaf({3});
  bool recorded = true;
  const Variable y = record("curious", {x}, x.value().clone(), {},
                            [&](const Tensor& dy, const BackwardContext&) -> std::vector<Tensor> {
                              recorded = square(w).requires_grad();
                              return {dy};
                            });
  backward(y);
  EXPECT_FALSE(recorded);
  EXPECT_TRUE(square(w).requires_grad());
}

TEST(SideEffects, HappenAtOnceUnlessMuted) {
  int count = 0;
  side_effect([&] { ++count; });
  EXPECT_EQ(count, 1);
  {
    const MutedEffectsScope muted;
    { const MutedEffectsScope nested; }
    side_effect([&] { ++count; });
    EXPECT_EQ(count, 1);
  }
  side_effect([&] { ++count; });
  EXPECT_EQ(count, 2);
  {
    const NoGradScope scope;  // evaluating a key encoder still changes its running averages
    side_effect([&] { ++count; });
  }
  EXPECT_EQ(count, 3);
}

}  // namespace
}  // namespace minissl
