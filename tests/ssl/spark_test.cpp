#include "ssl/methods/spark.h"

#include <gtest/gtest.h>
#include <set>

#include "nn/backbones/resnet.h"
#include "tests/ssl/small_step.h"

/// What the parity fixtures spark.json and spark_small.json don't show. They show the rest: each of these changes moves
/// their tensors by more than 1e-9: batch normalisation over all places, a max pooling or an image that is not masked,
/// a loss over visible cells, ReLU instead of ReLU6 (all in the first step), mask tokens that decay (in the second).
namespace minissl {
namespace {

const ResNetConfig small_stem({.depth = resnet18, .stem = Stem::small, .channels = 3, .width = 16});

std::string reason(const std::function<void()>& refused) {
  try {
    refused();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was refused";
}

SparKOptions with_ratio(double ratio) { return {.mask_ratio = ratio, .decoder_dim = 16}; }

// Of a step's log, with everything kept.
std::map<std::string, Tensor> logged(SparK& method, const Batch& batch) {
  StepLog log(StepLog::Keep::everything);
  const Variable loss = method.loss(batch, log);
  std::map<std::string, Tensor> all{{"loss", loss.value()}};
  for (const auto& [name, tensor] : log.tensors()) all[name] = tensor;
  return all;
}

double total(const Tensor& t) {
  double sum = 0;
  for (const double v : t.to_vector()) sum += v;
  return sum;
}

TEST(SparK, AsksForOneViewAndDrawsNoiseForItsCells) {
  const SparK method(with_ratio(0.6), small_stem, 1);
  const BatchRequest request = method.request({}, 40);
  EXPECT_EQ(request.view_names(), std::vector<std::string>{"view1"});
  const Tensor noise = request.drawn({7, 3, 6}).front().second;
  EXPECT_EQ(noise.shape(), (Shape{6, 5, 5}));
  const std::vector<double> numbers = noise.to_vector();
  EXPECT_GT(std::set<double>(numbers.begin(), numbers.end()).size(), numbers.size() - 3);
  for (const double u : numbers) EXPECT_TRUE(0 <= u && u < 1) << u;
  EXPECT_EQ(request.drawn({7, 3, 6}).front().second.to_vector(), numbers);
  EXPECT_NE(request.drawn({7, 4, 6}).front().second.to_vector(), numbers);
  EXPECT_NE(request.drawn({8, 3, 6}).front().second.to_vector(), numbers);
}

// As Python's round: 49 cells at 60% keep 20 (of 19.6), 9 at 50% keep 4 (of 4.5), 25 at 50% keep 12 (of 12.5), 49 at
// 50% keep 24 (of 24.5).
TEST(SparK, KeepsTheRoundedShareOfCellsHalvesToEven) {
  for (const auto& [grid, ratio, kept] :
       {std::tuple(7, 0.6, 20), {3, 0.5, 4}, {5, 0.5, 12}, {7, 0.5, 24}, {2, 0.25, 3}}) {
    SparK method(with_ratio(ratio), small_stem, 1);
    const Tensor visible = logged(method, random_batch(method, {2, 8 * grid, 8 * grid, 3}, 0)).at("visible");
    EXPECT_EQ(visible.shape(), (Shape{2, 1, grid, grid}));
    EXPECT_EQ(total(visible), 2 * kept) << grid << " x " << grid << " cells, " << ratio;
  }
}

// The pixels of hidden cells are what has to be guessed: they reach the loss as its target alone.
TEST(SparK, SeesNothingOfHiddenCells) {
  SparK method(with_ratio(0.5), small_stem, 1);
  Batch batch = random_batch(method, {2, 32, 32, 3}, 0);
  const auto before = logged(method, batch);
  const Tensor& visible = before.at("visible");
  const Tensor changed = batch.views[0].clone();
  for (int64_t i = 0; i < changed.numel(); ++i) {
    const int64_t pixel = i / 3, image = pixel / (32 * 32), row = pixel / 32 % 32, column = pixel % 32;
    if (visible.data<uint8_t>()[(image * 4 + row / 8) * 4 + column / 8] == 0) changed.mutable_data<float>()[i] += 1e3f;
  }
  batch.views[0] = changed;
  const auto after = logged(method, batch);
  EXPECT_EQ(after.at("rec").to_vector(), before.at("rec").to_vector());
  EXPECT_EQ(after.at("feature0").to_vector(), before.at("feature0").to_vector());
  EXPECT_NE(after.at("target").to_vector(), before.at("target").to_vector());
}

TEST(SparK, ItsLossIsTheMeanOverTheHiddenCells) {
  SparK method(with_ratio(0.5), small_stem, 1);
  const auto log = logged(method, random_batch(method, {2, 40, 40, 3}, 0));
  const std::vector<double> visible = log.at("visible").to_vector(), patches = log.at("loss/patches").to_vector();
  ASSERT_EQ(visible.size(), patches.size());
  double sum = 0, hidden = 0;
  for (size_t i = 0; i < patches.size(); ++i) sum += (1 - visible[i]) * patches[i], hidden += 1 - visible[i];
  EXPECT_NEAR(log.at("loss").item(), sum / hidden, 1e-5);
}

TEST(SparK, DecaysNeitherBiasesNorVectorsNorMaskTokens) {
  SparK method(with_ratio(0.6), small_stem, 1);
  for (const StateEntry& e : method.parameters()) {
    const bool decays = e.tensor().rank() == 4 && e.name.find("mask_tokens.") == std::string::npos;
    EXPECT_EQ(method.rule(e.name, e.tensor().shape()).decay, decays ? 1 : 0) << e.name;
  }
}

TEST(SparK, HasNoProjectionWhereTheWidthStays) {
  SparK method({.mask_ratio = 0.6, .decoder_dim = 128}, small_stem, 1);
  std::set<std::string> names;
  for (const StateEntry& e : method.parameters()) names.insert(e.name);
  EXPECT_EQ(names.count("densify_projs.0.weight"), 0U) << "layer4 has 128 channels";
  EXPECT_EQ(names.count("densify_projs.1.weight"), 1U) << "a 3x3 convolution, whatever the widths";
  EXPECT_TRUE(std::isfinite(logged(method, random_batch(method, {2, 16, 16, 3}, 0)).at("loss").item()));
}

// As published: mask tokens within one standard deviation of 0.02, the decoder's convolutions normal with 0.02.
TEST(SparK, DrawsItsWeightsAsPublished) {
  SparK method({.mask_ratio = 0.6, .decoder_dim = 128}, small_stem, 1);
  for (const StateEntry& e : method.parameters()) {
    const std::vector<double> w = e.tensor().to_vector();
    double square = 0, largest = 0;
    for (const double v : w) square += v * v, largest = std::max(largest, std::abs(v));
    const double deviation = std::sqrt(square / static_cast<double>(w.size()));
    if (e.name.starts_with("mask_tokens.")) {
      EXPECT_LE(largest, 0.02) << e.name;
      EXPECT_NEAR(deviation, 0.02 * 0.54, 0.003) << e.name;  // of a normal distribution cut at 1
    } else if (e.name == "decoder.dec.0.conv.0.weight") {
      EXPECT_NEAR(deviation, 0.02, 0.0005);
    } else if (e.name == "decoder.dec.0.up_sample.weight") {
      EXPECT_NEAR(deviation, std::sqrt(2.0 / (128 * 16)), 0.0005);
    } else if (e.name == "densify_projs.1.weight") {
      EXPECT_NEAR(deviation, 1 / std::sqrt(3.0 * 64 * 9), 0.0005);
      EXPECT_LE(largest, 1 / std::sqrt(64.0 * 9));
    } else if (e.name.starts_with("decoder.") && e.name.ends_with(".bias")) {
      EXPECT_EQ(largest, 0) << e.name;
    }
  }
}

// A network that can't hide cells.
class Blind final : public Backbone {
 public:
  int64_t features() const override { return 1; }
  Variable forward(const Variable& images) override { return images; }
  std::vector<Variable> maps(const Variable&, const Tensor&) override { return {}; }
  std::vector<int64_t> map_channels() const override { return {}; }
};
class BlindConfig final : public BackboneConfig {
 public:
  void visit(OptionVisitor&) override {}
  std::unique_ptr<Backbone> make() const override { return std::make_unique<Blind>(); }
  std::unique_ptr<BackboneConfig> clone() const override { return std::make_unique<BlindConfig>(); }
};

TEST(SparK, SaysWhatItNeeds) {
  const auto made = [](const SparKOptions& options, const BackboneConfig& backbone) {
    return reason([&] { SparK(options, backbone, 1); });
  };
  const auto of_size = [](double ratio, int64_t size) {
    return reason([=] { SparK(with_ratio(ratio), small_stem, 1).request({}, size); });
  };
  EXPECT_NE(made({}, BlindConfig()).find("hides parts of an image"), std::string::npos);
  EXPECT_NE(made({}, ResNetConfig({.depth = resnet18, .bn_groups = 2, .width = 8})).find("`bn` plain, not split:2"),
            std::string::npos);
  EXPECT_NE(made({.decoder_dim = 4}, small_stem).find("`decoder-dim` must be at least 8"), std::string::npos);
  EXPECT_NE(made(with_ratio(0), small_stem).find("`mask-ratio`"), std::string::npos);
  EXPECT_NE(of_size(0.6, 36).find("`size` 36 is not a multiple of 8"), std::string::npos);
  EXPECT_NE(of_size(0.6, 8).find("leaves 0 visible"), std::string::npos);
  EXPECT_NE(of_size(0.05, 16).find("leaves 4 visible"), std::string::npos);
  SparK method(with_ratio(0.5), small_stem, 1);
  Batch batch = random_batch(method, {2, 16, 16, 3}, 0);
  batch.drawn.clear();
  StepLog log;
  EXPECT_NE(reason([&] { method.loss(batch, log); }).find("needs noise for the 2 x 2 cells"), std::string::npos);
}

}  // namespace
}  // namespace minissl
