#include "ssl/leak.h"

#include <gtest/gtest.h>

#include "nn/backbones/resnet.h"
#include "tests/ssl/random_tensor.h"

namespace minissl {
namespace {

const ResNetConfig tiny_network({.depth = resnet18, .stem = Stem::small, .channels = 1, .width = 16});

std::vector<Batch> unrelated_views() {
  std::vector<Batch> batches;
  for (int64_t b = 0; b < 3; ++b) {
    const auto seed = static_cast<uint64_t>(b);
    batches.push_back({{random_tensor({8, 12, 12, 1}, 10 + seed), random_tensor({8, 12, 12, 1}, 20 + seed)}, {}, {}});
  }
  return batches;
}

TEST(Leak, IdenticalViewsAreFoundAndNothingIsChanged) {
  MoCo moco({.dim = 8, .queue = 16}, tiny_network, 1);
  std::vector<Batch> batches = unrelated_views();
  for (Batch& batch : batches) batch.views[1] = batch.views[0];
  std::map<std::string, std::vector<double>> before;
  for (const StateEntry& e : moco.state()) before[e.name] = e.tensor().to_vector();
  const LeakMeasurement m = measure_leak(moco, batches, 1);
  EXPECT_EQ(m.images, 24);
  EXPECT_EQ(m.batches, 3);
  EXPECT_EQ(m.as_trained, 1);  // the same image in the same batch: the same vector
  EXPECT_GT(m.permuted, 0.5);
  for (const StateEntry& e : moco.state()) EXPECT_EQ(e.tensor().to_vector(), before[e.name]) << e.name;
}

TEST(Leak, UnrelatedViewsAreFoundByChance) {
  MoCo moco({.dim = 8, .queue = 16}, tiny_network, 1);
  const LeakMeasurement m = measure_leak(moco, unrelated_views(), 1);
  EXPECT_LT(m.as_trained, 0.3);
  EXPECT_LT(m.permuted, 0.3);
  EXPECT_THROW(measure_leak(moco, {unrelated_views()[0]}, 1), Error);
}

TEST(Leak, IsADifferenceBeyondChance) {
  LeakMeasurement m{.images = 1000, .batches = 8, .as_trained = 0.9, .permuted = 0.4, .standard_error = 0.02};
  EXPECT_TRUE(m.leaks());
  EXPECT_EQ(m.sentence(),
            "the encoder uses the batch's statistics: a query finds its key among 1000 in 90.0% of cases, and in 40.0% "
            "when the keys' batches are mixed; train with `bn` split:G to take the clue away");
  m.permuted = 0.87;
  EXPECT_FALSE(m.leaks());
  EXPECT_NE(m.sentence().find("no sign"), std::string::npos);
}

}  // namespace
}  // namespace minissl
