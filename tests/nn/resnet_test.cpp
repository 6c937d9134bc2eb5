#include "nn/backbones/resnet.h"

#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>

#include "autograd/functions.h"
#include "tensor/ops/transpose.h"
#include "tests/apps/formula.h"
#include "tests/nn/summary.h"
#include "tests/ssl/random_tensor.h"

namespace minissl {
namespace {

std::vector<std::string> names_of(ResNet& net) {
  std::vector<std::string> names;
  for (const StateEntry& e : net.state()) names.push_back(e.name);
  return names;
}

// Counts of torchvision.models.resnet18() and resnet50() less fc.weight and fc.bias.
TEST(ResNet, HasTorchvisionsStateAndParameterCounts) {
  ResNet small({resnet18, Stem::imagenet, 3}), large({resnet50, Stem::imagenet, 3});
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
      ResNet net({resnet18, stem, channels});
      net.initialize(0);
      const Variable y = no_grad([&] { return net.forward(random_tensor({2, 33, 33, channels}, 1)); });
      EXPECT_EQ(y.shape(), (Shape{2, 512}));
    }
}

TEST(ResNet, InitializationIsAFunctionOfSeedAndName) {
  ResNet a({resnet18, Stem::small, 1}), b({resnet18, Stem::small, 1});
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
  ResNet net({resnet18, Stem::small, 1});
  net.initialize(0);
  const Tensor images = random_tensor({2, 16, 16, 1}, 1);
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

// Where cells are given, even if they are all, nothing is folded.
void expect_folded_as_not_folded(ResNet& net, const Tensor& images) {
  std::vector<int64_t> every(static_cast<size_t>(images.dim(0) * 4));
  for (size_t i = 0; i < every.size(); ++i) every[i] = static_cast<int64_t>(i % 4);
  const Tensor all_cells = Tensor::from({images.dim(0), 4}, every);
  const std::vector<Variable> folded = net.maps(images), plain = net.maps(images, all_cells);
  ASSERT_EQ(folded.size(), plain.size());
  for (size_t s = 0; s < folded.size(); ++s) {
    const std::vector<double> a = folded[s].value().to_vector(), b = plain[s].value().to_vector();
    for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-12 * (1 + std::abs(b[i]))) << s << " " << i;
  }
}

TEST(ResNet, NormalisationIsFoldedIntoTheWeightsAsTheyAre) {
  for (const ResNetDepth& depth : {resnet18, resnet50}) {
    ResNet net({.depth = depth, .width = 8});
    net.to(DType::f64);
    fill_by_formula(net);
    const Tensor images = random_tensor({2, 64, 64, 3}, 1).to(DType::f64);
    const EvaluationScope evaluation(net);
    expect_folded_as_not_folded(net, images);
    for (const char* changed : {"layer1.0.conv1.weight", "layer2.0.downsample.1.bias", "layer3.0.bn1.running_var"}) {
      const Tensor before = net.maps(images).back().value();
      for (const StateEntry& e : net.state())
        if (e.name == changed) e.tensor().mutable_data<double>()[0] += 0.25;
      EXPECT_NE(net.maps(images).back().value().to_vector(), before.to_vector()) << changed;
      expect_folded_as_not_folded(net, images);
    }
  }
}

TEST(ResNet, FoldedWeightsAreGoneWhenTrainingBegins) {
  ResNet net({.depth = resnet18, .width = 8});
  net.initialize(0);
  const Tensor images = random_tensor({1, 64, 64, 3}, 1);
  const auto live = [] { return allocator().usage().live; };
  const int64_t before = live();
  {
    const EvaluationScope evaluation(net);
    net.forward(images);
    EXPECT_GT(live(), before);
  }
  EXPECT_EQ(live(), before);
}

TEST(ResNetConfig, RefusesInvalidOptions) {
  for (const auto& [option, value] : {std::pair("stem", "tiny"), {"bn", "split:1"}, {"bn", "split"}}) {
    ResNetConfig config({.depth = resnet18});
    class Set final : public OptionVisitor {
     public:
      Set(const char* option, const char* value) : option_(option), value_(value) {}
      void visit(const char*, int64_t&, const char*) override {}
      void visit(const char*, double&, const char*) override {}
      void visit(const char*, bool&, const char*) override {}
      void visit(const char* name, std::string& text, const char*) override {
        if (std::string(name) == option_) text = value_;
      }
      void visit(const char*, std::array<double, 2>&, const char*) override {}
      void visit(const char*, std::array<double, 3>&, const char*) override {}

     private:
      const char *option_, *value_;
    } set(option, value);
    config.visit(set);
    EXPECT_THROW(config.make(), Error) << option << " " << value;
  }
  EXPECT_THROW(ResNetConfig({.width = 0}).make(), Error);
  EXPECT_THROW(find_backbone("resnet19"), Error);
}

class ResNetForward : public testing::TestWithParam<std::string> {
 protected:
  static nlohmann::json fixture() {
    std::ifstream in(std::string(MINISSL_SOURCE_DIR) + "/tests/fixtures/resnet_forward.json");
    return nlohmann::json::parse(in).at("networks").at(GetParam());
  }
};

TEST_P(ResNetForward, AgreesWithTorchvisionInFloat64) {
  const nlohmann::json expected = fixture();
  const auto network = find_backbone(GetParam()).config()->make();
  network->to(DType::f64);
  fill_by_formula(*network);
  EXPECT_EQ(network->parameter_count(), expected.at("parameters").get<int64_t>());
  EXPECT_EQ(network->state().size(), expected.at("state").get<size_t>());
  const Tensor images = ops::nchw_to_nhwc(Tensor::from<double>({4, 3, 64, 64}, uniform("images", 4 * 3 * 64 * 64)));
  const NoGradScope no_grad_scope;
  const std::vector<Variable> maps = network->maps(images);
  ASSERT_EQ(maps.size(), 4U);
  const std::vector<int64_t> channels = network->map_channels();
  for (size_t s = 0; s < 4; ++s) {
    const std::string layer = fmt::format("layer{}", s + 1);
    EXPECT_EQ(maps[s].shape()[3], channels[s]);
    expect_summary(expected.at("tensors").at(layer), ops::nhwc_to_nchw(maps[s].value()), layer);
  }
  for (const StateEntry& e : network->state())
    if (expected.at("tensors").contains(e.name)) expect_summary(expected.at("tensors").at(e.name), e.tensor(), e.name);
  expect_summary(expected.at("tensors").at("features"), network->forward(images).value(), "features");
}

INSTANTIATE_TEST_SUITE_P(, ResNetForward, testing::Values("resnet18", "resnet34", "resnet50", "resnet101"),
                         [](const auto& info) { return info.param; });

// Hidden cells must not affect the visible ones, through convolutions or through statistics.
TEST(ResNetMaps, HiddenCellsAreZeroAndDoNotAffectTheOthers) {
  for (const Stem stem : {Stem::imagenet, Stem::small}) {
    const int64_t reduction = stem == Stem::imagenet ? 32 : 8, size = 3 * reduction;
    ResNet net({.depth = resnet18, .stem = stem, .channels = 3, .width = 8});
    net.initialize(1);
    const Tensor kept = Tensor::from<int64_t>({2, 4}, std::vector<int64_t>{0, 2, 5, 7, 8, 1, 3, 4});
    const auto shown = [&](int64_t image, int64_t cell) {
      for (int64_t k = 0; k < 4; ++k)
        if (static_cast<int64_t>(kept.at(image * 4 + k)) == cell) return true;
      return false;
    };
    const Tensor images = random_tensor({2, size, size, 3}, 1), others = images.clone();
    for (int64_t n = 0; n < 2; ++n)
      for (int64_t y = 0; y < size; ++y)
        for (int64_t x = 0; x < size; ++x)
          if (!shown(n, y / reduction * 3 + x / reduction))
            for (int64_t c = 0; c < 3; ++c) others.mutable_data<float>()[((n * size + y) * size + x) * 3 + c] = 100;
    const NoGradScope no_grad_scope;
    const std::vector<Variable> maps = net.maps(images, kept), same = net.maps(others, kept), all = net.maps(images);
    ASSERT_EQ(maps.size(), 4U);
    for (size_t s = 0; s < 4; ++s) {
      EXPECT_EQ(maps[s].shape(), all[s].shape());
      EXPECT_EQ(maps[s].value().to_vector(), same[s].value().to_vector()) << s;
      const int64_t extent = maps[s].shape()[1], channels = maps[s].shape()[3], side = extent / 3;
      double hidden = 0, visible = 0;
      for (int64_t i = 0; i < maps[s].value().numel(); ++i) {
        const int64_t pixel = i / channels, n = pixel / extent / extent;
        const int64_t cell = pixel / extent % extent / side * 3 + pixel % extent / side;
        (shown(n, cell) ? visible : hidden) += std::abs(maps[s].value().at(i));
      }
      EXPECT_EQ(hidden, 0) << s;
      EXPECT_GT(visible, 0) << s;
    }
  }
}

TEST(ResNetMaps, WithAllCellsShownAreTheWholeImages) {
  ResNet net({.depth = resnet18, .stem = Stem::small, .channels = 1, .width = 8});
  net.to(DType::f64);
  net.initialize(1);
  const Tensor images = random_tensor({2, 16, 16, 1}, 1).to(DType::f64);
  const Tensor kept = Tensor::from<int64_t>({2, 4}, std::vector<int64_t>{0, 1, 2, 3, 3, 1, 0, 2});
  const NoGradScope no_grad_scope;
  const std::vector<Variable> some = net.maps(images, kept), all = net.maps(images);
  for (size_t s = 0; s < 4; ++s)
    for (int64_t i = 0; i < all[s].value().numel(); ++i) ASSERT_NEAR(some[s].value().at(i), all[s].value().at(i), 1e-9);
}

TEST(ResNetMaps, InvalidCellsAreRefused) {
  ResNet net({.depth = resnet18, .stem = Stem::small, .channels = 1, .width = 8});
  const NoGradScope no_grad_scope;
  const auto cells = [](const std::vector<int64_t>& numbers) {
    return Tensor::from<int64_t>({1, static_cast<int64_t>(numbers.size())}, numbers);
  };
  EXPECT_THROW(net.maps(random_tensor({1, 16, 16, 1}, 1), cells({4})), Error) << "beyond the grid";
  EXPECT_THROW(net.maps(random_tensor({2, 16, 16, 1}, 1), cells({1})), Error) << "of another number of images";
  EXPECT_THROW(net.maps(random_tensor({1, 20, 20, 1}, 1), cells({1})), Error) << "the grid does not divide the image";
  ResNet split({.depth = resnet18, .stem = Stem::small, .channels = 1, .bn_groups = 2, .width = 8});
  EXPECT_THROW(split.maps(random_tensor({2, 16, 16, 1}, 1)), Error);
}

}  // namespace
}  // namespace minissl
