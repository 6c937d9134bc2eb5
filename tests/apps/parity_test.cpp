#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <numeric>

#include "apps/method_flags.h"
#include "ssl/step/step_record.h"
#include "tensor/ops/transpose.h"
#include "tests/apps/formula.h"

namespace minissl {
namespace {

class ParityTest : public testing::TestWithParam<const char*> {
 protected:
  ParityTest() {
    std::ifstream in(std::string(MINISSL_SOURCE_DIR) + "/tests/fixtures/" + GetParam() + ".json");
    fixture_ = nlohmann::json::parse(in);
  }

  std::unique_ptr<Method> make(DType dtype) const {
    const auto& c = fixture_.at("config");
    NetworkFlags network(c.at("arch").get<std::string>());
    network.set_options({{"stem", c.at("small") ? "small" : "imagenet"}, {"bn", c.at("bn")}}, "fixture");
    auto method = MethodFlags::from_toml(c.at("method"), flags()).make(network, 0, dtype);
    fill_by_formula(*method);
    return method;
  }

  // The reference's settings as flags of its method, which accepts no others.
  std::string flags() const {
    static const std::map<std::string, std::vector<std::string>> known{
        {"moco", {"dim", "queue", "momentum", "temperature"}},
        {"barlow", {"dim", "hidden"}},
        {"vicreg", {"dim", "hidden"}},
        {"simclr", {"dim", "hidden", "temperature"}},
        {"simsiam", {"dim", "hidden"}},
        {"byol", {"dim", "hidden", "momentum"}}};
    const auto& c = fixture_.at("config");
    const std::string method = c.at("method");
    std::string toml;
    for (const std::string& key : known.at(method)) toml += fmt::format("{} = {}\n", key, c.at(key).dump());
    if (method == "moco")
      toml += fmt::format("variance-weight = {}\nsymmetric = \"{}\"\n", c.at("variance").dump(),
                          c.at("symmetric").get<bool>() ? "on" : "off");
    if (method == "barlow") toml += fmt::format("lambda = {}\n", c.at("lambd").dump());
    return toml;
  }

  NamedTensors run(DType dtype, int64_t steps) {
    const auto method = make(dtype);
    const auto& c = fixture_.at("config");
    const int64_t batch = c.at("batch"), size = c.at("size");
    const Shape shape{batch, 3, size, size};
    const auto view = [&](int64_t step, int number) {
      std::vector<double> image = uniform(fmt::format("step{}/image", step), shape.numel());
      const std::vector<double> own = uniform(fmt::format("step{}/view{}", step, number), shape.numel());
      for (size_t i = 0; i < image.size(); ++i) image[i] += 0.3 * own[i];
      return ops::nchw_to_nhwc(Tensor::from<double>(shape, image).to(dtype));
    };
    // Like NumPy's argsort of distinct numbers.
    const auto shuffle = [&](int64_t step, const char* end) {
      const std::vector<double> keys = uniform(fmt::format("step{}/shuffle{}", step, end), batch);
      std::vector<int64_t> order(keys.size());
      std::iota(order.begin(), order.end(), 0);
      std::sort(order.begin(), order.end(),
                [&](int64_t a, int64_t b) { return keys[static_cast<size_t>(a)] < keys[static_cast<size_t>(b)]; });
      return Tensor::from<int64_t>({batch}, order);
    };
    const bool scheduled = c.contains("schedule");
    const Schedule schedule{scheduled ? c.at("schedule").get<std::string>() : "constant", c.at("lr"),
                            scheduled ? c.at("warmup_steps").get<int64_t>() : 0,
                            scheduled ? c.at("total_steps").get<int64_t>() : 1};
    return record_steps(*method, {.kind = "adamw", .weight_decay = c.at("weight_decay")}, schedule, steps, {},
                        [&](int64_t step) {
                          return Batch{{view(step, 1), view(step, 2)},
                                       {{"shuffle", shuffle(step, "")}, {"shuffle_sym", shuffle(step, "_sym")}},
                                       {}};
                        });
  }

  nlohmann::json fixture_;
};

TEST_P(ParityTest, EveryTensorOfThreeStepsAgreesWithPyTorchInFloat64) {
  constexpr double tolerance = 1e-9;
  std::map<std::string, Tensor> actual;
  for (auto& [name, tensor] : run(DType::f64, fixture_.at("config").at("steps"))) actual[name] = tensor;
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
    // Values that are zero up to rounding (the mean of normalised numbers) have no digits to compare, so compare
    // absolutely.
    const double scale = norm > 1e-12 ? norm : 1;
    EXPECT_NEAR(std::sqrt(square), norm, tolerance * scale) << name;
    EXPECT_NEAR(sum, expected.at("sum").get<double>(), tolerance * scale * std::sqrt(count)) << name;
    for (size_t j = 0; j < 4; ++j)
      EXPECT_NEAR(values[j * (values.size() - 1) / 3], expected.at("samples").at(j).get<double>(), tolerance * scale)
          << name << ", sample " << j;
    ++compared;
  }
  EXPECT_EQ(compared, actual.size());
}

// With the fast kernels, including Winograd's convolutions.
TEST_P(ParityTest, FirstLossAgreesWithPyTorchInFloat32) {
  for (const auto& [name, tensor] : run(DType::f32, 1)) {
    if (!name.starts_with("step0/loss")) continue;
    const double expected = fixture_.at("tensors").at(name).at("sum");
    EXPECT_NEAR(tensor.item(), expected, 1e-4 * std::max(1.0, std::abs(expected))) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, ParityTest,
                         testing::Values("moco_resnet18", "moco_resnet18_small", "moco_resnet50", "moco_resnet50_small",
                                         "moco_split_symmetric", "barlow", "barlow_split", "vicreg", "simclr",
                                         "simsiam", "simsiam_schedule", "byol"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace minissl
