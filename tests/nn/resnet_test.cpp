#include "nn/resnet.h"

#include <gtest/gtest.h>
#include <set>

#include "tensor/random.h"

namespace minissl {
namespace {

Tensor random_images(const Shape& shape) {
  const Tensor images = Tensor::empty(shape);
  const Random random(1, RandomSite::test);
  for (int64_t i = 0; i < images.numel(); ++i)
    images.mutable_data<float>()[i] = random.normal(static_cast<uint32_t>(i));
  return images;
}

std::vector<std::string> names_of(ResNet& net) {
  std::vector<std::string> names;
  for (const StateEntry& e : net.state()) names.push_back(e.name);
  return names;
}

// Counts of torchvision.models.resnet18() and resnet50() less fc.weight and fc.bias.
TEST(ResNet, HasTorchvisionsStateAndParameterCounts) {
  ResNet small({Architecture::resnet18, Stem::imagenet, 3}), large({Architecture::resnet50, Stem::imagenet, 3});
  EXPECT_EQ(small.state().size(), 120U);
  EXPECT_EQ(large.state().size(), 318U);
  EXPECT_EQ(small.parameter_count(), 11176512);
  EXPECT_EQ(large.parameter_count(), 23508032);
  const auto names = names_of(large);
  EXPECT_EQ(names[0], "conv1.weight");
  EXPECT_EQ(names[6], "layer1.0.conv1.weight");
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  for (const char* name : {"bn1.num_batches_tracked", "layer1.0.downsample.0.weight", "layer4.2.bn3.running_var"})
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
}

TEST(ResNet, StemsAndChannels) {
  for (const Stem stem : {Stem::imagenet, Stem::small})
    for (const int64_t channels : {1, 3}) {
      ResNet net({Architecture::resnet18, stem, channels});
      net.initialize(0);
      const Variable y = no_grad([&] { return net.forward(random_images({2, 33, 33, channels})); });
      EXPECT_EQ(y.shape(), (Shape{2, 512}));
    }
  EXPECT_THROW(parse_architecture("resnet34"), Error);
  EXPECT_THROW(parse_stem("tiny"), Error);
}

TEST(ResNet, InitializationIsAFunctionOfSeedAndName) {
  ResNet a({Architecture::resnet18, Stem::small, 1}), b({Architecture::resnet18, Stem::small, 1});
  a.initialize(3);
  b.initialize(3);
  double sum = 0;
  int64_t count = 0;
  const auto states_a = a.state(), states_b = b.state();
  for (size_t i = 0; i < states_a.size(); ++i)
    EXPECT_EQ(states_a[i].tensor().to_vector(), states_b[i].tensor().to_vector()) << states_a[i].name;
  // He initialisation, fan out: variance 2 / (512 * 9) in the last stage.
  for (const StateEntry& e : states_a)
    if (e.name == "layer4.1.conv2.weight")
      for (const double v : e.tensor().to_vector()) sum += v * v, ++count;
  EXPECT_NEAR(sum / static_cast<double>(count) * 512 * 9 / 2, 1, 0.01);
  b.initialize(4);
  EXPECT_NE(states_a[0].tensor().to_vector(), states_b[0].tensor().to_vector());
}

TEST(ResNet, StatisticsAreTrackedOncePerTrainingForwardAndOnlyThen) {
  ResNet net({Architecture::resnet18, Stem::small, 1});
  net.initialize(0);
  const Tensor images = random_images({2, 16, 16, 1});
  const auto tracked = [&] {
    for (const StateEntry& e : net.state())
      if (e.name == "bn1.num_batches_tracked") return *e.tensor().data<int64_t>();
    return int64_t{-1};
  };
  net.forward(images);
  EXPECT_EQ(tracked(), 1);
  {
    const MutedEffectsScope muted;
    net.forward(images);
  }
  EXPECT_EQ(tracked(), 1);
  {
    const EvaluationScope evaluation(net);
    net.forward(images);
  }
  EXPECT_EQ(tracked(), 1);
  EXPECT_TRUE(net.training());
}

}  // namespace
}  // namespace minissl
