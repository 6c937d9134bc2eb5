#include "nn/backbones/vision_transformer.h"

#include <fstream>
#include <gtest/gtest.h>

#include "autograd/functions.h"
#include "nn/position_embedding.h"
#include "tensor/ops/transpose.h"
#include "tests/apps/formula.h"
#include "tests/nn/summary.h"
#include "tests/samples/sample.h"
#include "tests/ssl/random_tensor.h"

namespace minissl {
namespace {

const VisionTransformerOptions tiny{
    .channels = 3, .size = 16, .patch = 4, .width = 24, .depth = 3, .heads = 2, .positions = Positions::sine};

std::unique_ptr<VisionTransformer> made(const VisionTransformerOptions& options) {
  auto net = std::make_unique<VisionTransformer>(options);
  net->initialize(1);
  return net;
}

// Patches of 8 pixels.
class SetPatch final : public OptionVisitor {
 public:
  void visit(const char* name, int64_t& value, const char*) override {
    if (std::string(name) == "patch") value = 8;
  }
  void visit(const char*, double&, const char*) override {}
  void visit(const char*, bool&, const char*) override {}
  void visit(const char*, std::string&, const char*) override {}
  void visit(const char*, std::array<double, 2>&, const char*) override {}
  void visit(const char*, std::array<double, 3>&, const char*) override {}
};

Tensor value_of(const std::function<Variable()>& f) { return no_grad(f).value(); }

// Counts of timm.create_model("vit_tiny_patch16_224", num_classes=0) and vit_small_patch16_224.
TEST(VisionTransformer, HasTimmsStateAndParameterCounts) {
  VisionTransformer small({.width = 192, .depth = 12, .heads = 3}), large({.width = 384, .depth = 12, .heads = 6});
  EXPECT_EQ(small.state().size(), 150U);
  EXPECT_EQ(small.parameter_count(), 5524416);
  EXPECT_EQ(large.parameter_count(), 21665664);
  std::map<std::string, Shape> shapes;
  for (const StateEntry& e : small.state()) shapes.emplace(e.name, e.tensor().shape());
  EXPECT_EQ(shapes.size(), 150U);
  EXPECT_EQ(shapes.at("cls_token"), (Shape{1, 1, 192}));
  EXPECT_EQ(shapes.at("pos_embed"), (Shape{1, 197, 192}));
  EXPECT_EQ(shapes.at("patch_embed.proj.weight"), (Shape{192, 16, 16, 3}));
  EXPECT_EQ(shapes.at("blocks.11.attn.qkv.weight"), (Shape{576, 192}));
  EXPECT_EQ(shapes.at("blocks.0.mlp.fc1.bias"), (Shape{768}));
  EXPECT_EQ(shapes.at("norm.weight"), (Shape{192}));
}

class VisionTransformerForward : public testing::TestWithParam<std::string> {};

TEST_P(VisionTransformerForward, AgreesWithTimmInFloat64) {
  std::ifstream in(std::string(MINISSL_SOURCE_DIR) + "/tests/fixtures/vit_forward.json");
  const nlohmann::json expected = nlohmann::json::parse(in).at("networks").at(GetParam());
  const auto config = find_backbone(GetParam()).config();
  config->size = 32;
  SetPatch patch;
  config->visit(patch);
  const auto network = config->make();
  network->to(DType::f64);
  fill_by_formula(*network);
  const Tensor images = ops::nchw_to_nhwc(Tensor::from<double>({2, 3, 32, 32}, uniform("images", 2 * 3 * 32 * 32)));
  auto& transformer = dynamic_cast<VisionTransformer&>(*network);
  const NoGradScope no_grad_scope;
  expect_summary(expected.at("tokens"), transformer.encode(transformer.tokens(images)).value(), "tokens");
  expect_summary(expected.at("features"), network->forward(images).value(), "features");
}

INSTANTIATE_TEST_SUITE_P(, VisionTransformerForward, testing::Values("vit_tiny", "vit_small"),
                         [](const auto& info) { return info.param; });

TEST(VisionTransformer, FixedPositionsAreInTheStateAndNotTrained) {
  VisionTransformer learned({.width = 24, .depth = 1, .heads = 2}),
      fixed({.width = 24, .depth = 1, .heads = 2, .positions = Positions::sine});
  EXPECT_EQ(learned.state().size(), fixed.state().size());
  EXPECT_EQ(learned.parameters().size(), fixed.parameters().size() + 1);
}

TEST(VisionTransformer, EncodesTheKeptPatchesAsIfTheOthersWereNotThere) {
  const auto net = made(tiny);
  const Tensor images = random_tensor({2, 16, 16, 3}, 1);
  const Tensor kept = Tensor::from<int64_t>({2, 3}, std::vector<int64_t>{5, 0, 15, 8, 9, 1});
  const Tensor all = value_of([&] { return net->tokens(images); });
  const Tensor some = value_of([&] { return net->tokens(images, kept); });
  ASSERT_EQ(all.shape(), (Shape{2, 17, 24}));
  ASSERT_EQ(some.shape(), (Shape{2, 4, 24}));
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t k = 0; k < 4; ++k)
      for (int64_t d = 0; d < 24; ++d) {
        const int64_t token = k == 0 ? 0 : 1 + kept.data<int64_t>()[n * 3 + k - 1];
        EXPECT_NEAR(some.at((n * 4 + k) * 24 + d), all.at((n * 17 + token) * 24 + d), 1e-6);
      }
  // Other pixels in the hidden patches change nothing.
  const Tensor changed = images.clone();
  changed.mutable_data<float>()[(1 * 16 + 6) * 3] += 1;  // row 1, column 6: patch 1 of the first image, hidden
  EXPECT_TRUE(samples::same_bits(value_of([&] { return net->tokens(changed, kept); }), some));
}

TEST(VisionTransformer, MapsAreThePatchTokensAndZeroWhereHidden) {
  const auto net = made(tiny);
  const Tensor images = random_tensor({2, 16, 16, 3}, 1);
  const Tensor tokens = value_of([&] { return net->encode(net->tokens(images)); });
  const Tensor map = value_of([&] { return net->maps(images).at(0); });
  ASSERT_EQ(map.shape(), (Shape{2, 4, 4, 24}));
  EXPECT_EQ(map.at((16 + 7) * 24 + 3), tokens.at((17 + 1 + 7) * 24 + 3));
  const Tensor kept = Tensor::from<int64_t>({2, 2}, std::vector<int64_t>{5, 0, 15, 8});
  const Tensor masked = value_of([&] { return net->maps(images, kept).at(0); });
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t cell = 0; cell < 16; ++cell) {
      const bool shown = n == 0 ? cell == 5 || cell == 0 : cell == 15 || cell == 8;
      EXPECT_EQ(masked.at((n * 16 + cell) * 24) != 0, shown) << n << ", " << cell;
    }
  EXPECT_EQ(net->forward(images).value().at(24 + 2), tokens.at(17 * 24 + 2)) << "the class token";
}

TEST(VisionTransformer, TakesImagesOfOtherSizesWithResampledPositions) {
  const auto net = made(tiny);
  EXPECT_EQ(net->forward(random_tensor({2, 24, 24, 3}, 1)).shape(), (Shape{2, 24}));
  EXPECT_EQ(net->forward(random_tensor({2, 8, 8, 3}, 1)).shape(), (Shape{2, 24}));
  EXPECT_THROW(net->forward(random_tensor({2, 18, 18, 3}, 1)), Error);
  EXPECT_THROW(net->forward(random_tensor({2, 16, 16, 1}, 1)), Error);
}

TEST(VisionTransformer, RefusesSizesThatDoNotFit) {
  const auto with = [](auto change) {
    VisionTransformerOptions options = tiny;
    change(options);
    return options;
  };
  EXPECT_THROW(VisionTransformer(with([](auto& o) { o.patch = 5; })), Error);
  EXPECT_THROW(VisionTransformer(with([](auto& o) { o.heads = 5; })), Error);
  EXPECT_THROW(VisionTransformer(with([](auto& o) { o.depth = 0; })), Error);
  EXPECT_THROW(VisionTransformer(with([](auto& o) { o.width = 26; })), Error) << "sine positions come in fours";
  EXPECT_THROW(VisionTransformer(with([](auto& o) { o.width = 258; })), Error) << "129 elements in a head";
}

TEST(VisionTransformer, APatchEmbeddingThatIsFixedGetsNoGradient) {
  VisionTransformerOptions options = tiny;
  options.fixed_patches = true;
  const auto net = made(options);
  backward(sum(square(net->forward(random_tensor({2, 16, 16, 3}, 1)))));
  for (const StateEntry& e : net->parameters())
    EXPECT_EQ(e.parameter->grad().defined(), !e.name.starts_with("patch_embed.")) << e.name;
}

// Its formula at one patch: row 2, column 3, of a grid of 4; width 8, so the frequencies are 1 and 1/100.
TEST(SinePositions, AreMaesAndMocoV3s) {
  const std::vector<double> columns{std::sin(3), std::sin(0.03), std::cos(3), std::cos(0.03)},
      rows{std::sin(2), std::sin(0.02), std::cos(2), std::cos(0.02)};
  const Tensor mae = sine_positions(4, 8, Axes::columns_first), moco = sine_positions(4, 8, Axes::rows_first);
  for (int64_t d = 0; d < 8; ++d) EXPECT_EQ(mae.at(d), 0) << "the class token's";
  const int64_t at = (1 + 2 * 4 + 3) * 8;
  for (int64_t d = 0; d < 4; ++d) {
    const auto i = static_cast<size_t>(d);
    EXPECT_NEAR(mae.at(at + d), columns[i], 1e-15);
    EXPECT_NEAR(mae.at(at + 4 + d), rows[i], 1e-15);
    EXPECT_NEAR(moco.at(at + d), rows[i], 1e-15);
    EXPECT_NEAR(moco.at(at + 4 + d), columns[i], 1e-15);
  }
}

// torch.nn.functional.interpolate(mode="bicubic") of 0, 1, 4, 9 to 6 numbers, scale_factor=6.1/4 and none.
TEST(PositionResampling, IsPyTorchsBicubicInterpolation) {
  const auto resampled = [](double offset) {
    const Tensor matrix = position_resampling(4, 6, offset);
    std::vector<double> line;
    for (int64_t i = 0; i < 6; ++i) {
      double value = 0;
      for (int64_t j = 0; j < 16; ++j) value += matrix.at(i * 16 + j) * std::pow(static_cast<double>(j % 4), 2);
      line.push_back(value);
    }
    return line;
  };
  const std::vector<double> exact = resampled(0), dino = resampled(0.1);
  const double by_torch[] = {-0.0868055556, 0.21875, 1.43055556, 3.15277778, 6.78125, 9.43402778},
               by_torch_shifted[] = {-0.0884797351, 0.209823317, 1.36789919, 2.99662582, 6.52958329, 9.31896874};
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_NEAR(exact[i], by_torch[i], 1e-6);
    EXPECT_NEAR(dino[i], by_torch_shifted[i], 1e-6);
  }
}

}  // namespace
}  // namespace minissl
