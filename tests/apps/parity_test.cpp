#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "apps/step_record.h"
#include "ssl/moco.h"
#include "tensor/ops/rows.h"
#include "tests/apps/formula.h"

namespace minissl {
namespace {

class ParityTest : public testing::TestWithParam<const char*> {
 protected:
  ParityTest() {
    std::ifstream in(std::string(MINISSL_SOURCE_DIR) + "/tests/fixtures/" + GetParam() + ".json");
    fixture_ = nlohmann::json::parse(in);
    const auto& c = fixture_.at("config");
    const ResNetOptions network{parse_architecture(c.at("arch")), c.at("small") ? Stem::small : Stem::imagenet, 3};
    moco_ = std::make_unique<MoCo>(MoCoOptions{.dim = c.at("dim"),
                                               .queue = c.at("queue"),
                                               .momentum = c.at("momentum"),
                                               .temperature = c.at("temperature"),
                                               .variance_weight = c.at("variance")},
                                   network, 0, DType::f64);
    fill_by_formula(*moco_);
  }

  NamedTensors run(int64_t steps) {
    const auto& c = fixture_.at("config");
    const Shape shape{c.at("batch").get<int64_t>(), 3, c.at("size").get<int64_t>(), c.at("size").get<int64_t>()};
    const auto view = [&](int64_t step, int number) {
      std::vector<double> image = uniform(fmt::format("step{}/image", step), shape.numel());
      const std::vector<double> own = uniform(fmt::format("step{}/view{}", step, number), shape.numel());
      for (size_t i = 0; i < image.size(); ++i) image[i] += 0.3 * own[i];
      return ops::nchw_to_nhwc(Tensor::from<double>(shape, image));
    };
    return record_steps(*moco_, {.kind = "adamw", .weight_decay = c.at("weight_decay")}, c.at("lr"), steps, view);
  }

  nlohmann::json fixture_;
  std::unique_ptr<MoCo> moco_;
};

TEST_P(ParityTest, EveryTensorOfThreeStepsAgreesWithPyTorchInFloat64) {
  constexpr double tolerance = 1e-9;
  std::map<std::string, Tensor> actual;
  for (auto& [name, tensor] : run(fixture_.at("config").at("steps"))) actual[name] = tensor;
  int compared = 0;
  for (const auto& [name, expected] : fixture_.at("tensors").items()) {
    ASSERT_TRUE(actual.contains(name)) << name;
    const std::vector<double> values = actual[name].to_vector();
    EXPECT_EQ(std::vector<int64_t>(actual[name].shape().begin(), actual[name].shape().end()),
              expected.at("shape").get<std::vector<int64_t>>())
        << name;
    double square = 0, sum = 0;
    for (const double v : values) square += v * v, sum += v;
    const double norm = expected.at("norm"), count = static_cast<double>(values.size());
    EXPECT_NEAR(std::sqrt(square), norm, tolerance * norm) << name;
    EXPECT_NEAR(sum, expected.at("sum").get<double>(), tolerance * norm * std::sqrt(count)) << name;
    for (size_t j = 0; j < 4; ++j)
      EXPECT_NEAR(values[j * (values.size() - 1) / 3], expected.at("samples").at(j).get<double>(), tolerance * norm)
          << name << ", sample " << j;
    ++compared;
  }
  EXPECT_EQ(compared, actual.size());
}

INSTANTIATE_TEST_SUITE_P(MoCo, ParityTest,
                         testing::Values("moco_resnet18", "moco_resnet18_small", "moco_resnet50",
                                         "moco_resnet50_small"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace minissl
