#include <gtest/gtest.h>

#include "apps/method_flags.h"
#include "ssl/step/step_record.h"
#include "tests/samples/sample.h"

namespace minissl {
namespace {

struct Case {
  std::string method, arch, stem;
  DType dtype;
};
std::string name_of_case(const Case& c) { return c.method + "_" + c.arch + "_" + c.stem + "_" + name_of(c.dtype); }

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const MethodEntry& method : methods())
    for (const DType dtype : {DType::f32, DType::f64, DType::bf16})
      all.push_back({method.name, method.arch, "small", dtype});
  all.push_back({"mocov3", "vit_tiny", "small", DType::f32});
  all.push_back({"barlow", "resnet50", "imagenet", DType::f32});
  all.push_back({"barlow", "resnet50", "imagenet", DType::bf16});
  return all;
}

class RecomputeStep : public testing::TestWithParam<Case> {
 protected:
  RecomputeStep() {
    const std::string flags = c_.method == "moco"    ? "dim = 16\nqueue = 16\nsymmetric = \"on\"\n"
                              : c_.method == "spark" ? "decoder-dim = 16\n"
                              : c_.method == "beit"  ? "vocab = 16\ncodebook-dim = 8\ntoken-hidden = 8\n"
                              : c_.method == "dvae"  ? "vocab = 16\ncodebook-dim = 8\n"
                              : c_.method == "mae"   ? "decoder-dim = 16\ndecoder-depth = 1\ndecoder-heads = 2\n"
                              : c_.method == "swav"  ? "dim = 16\nhidden = 16\nprototypes = 24\nqueue = 4\n"
                                                     : "dim = 16\nhidden = 16\nvariance-weight = 1\n";
    // Narrow, because float64 has no fast convolutions.
    NetworkFlags network(c_.arch);
    network.size = size_;
    const std::string width = c_.dtype == DType::f64 ? "16" : "64";
    if (c_.arch == "token_encoder")
      network.set_options({{"token-hidden", "16"}, {"token-layers", "1"}}, "network");
    else if (c_.arch.starts_with("vit"))
      network.set_options({{"patch", "2"}, {"width", width}, {"depth", "3"}, {"heads", "2"}}, "network");
    else
      network.set_options({{"stem", c_.stem}, {"width", width}, {"bn", c_.method == "moco" ? "split:2" : "plain"}},
                          "network");
    method_ = MethodFlags::from_toml(c_.method, flags).make(network, 1, master_type(c_.dtype));
    for (const StateEntry& e : method_->state()) before_.push_back(e.tensor().clone());
  }

  // Every tensor of two steps: gradients, running averages and their counts, weights, queue.
  NamedTensors record(const RecomputePlan& plan) {
    const std::vector<StateEntry> state = method_->state();
    for (size_t i = 0; i < state.size(); ++i) state[i].tensor().copy_from(before_[i]);
    return record_steps(*method_, {}, Schedule{"constant", 1e-3}, 2, plan, [&](int64_t step) {
      const auto view = [&](uint32_t number) {
        const Random random(5, RandomSite::test, 0, static_cast<uint64_t>(step), number);
        return samples::normal({}).draw({4, size_, size_, 3}, random).to(c_.dtype);
      };
      Batch batch{{}, method_->request({}, size_).drawn({1, step, 4}), {}};
      for (uint32_t number = 1; number <= method_->request({}, size_).views(); ++number)
        batch.views.push_back(view(number));
      return batch;
    });
  }

  const Case& c_ = GetParam();
  const int64_t size_ = c_.method == "spark" ? 16 : c_.stem == "small" ? 10 : 34;
  std::unique_ptr<Method> method_;
  std::vector<Tensor> before_;
};

TEST_P(RecomputeStep, WritesTheSameBytesUnderEveryPlan) {
  using Policy = RecomputePlan::Policy;
  const NamedTensors expected = record({});
  std::vector<Keep> mixed;
  for (uint32_t i = 0; i < 80; ++i) mixed.push_back({.products = i * 5 % 16, .output = i % 3 == 0});
  for (const RecomputePlan& plan : {RecomputePlan(Policy::stage), RecomputePlan(Policy::block), RecomputePlan(mixed)}) {
    const NamedTensors actual = record(plan);
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i) {
      EXPECT_EQ(actual[i].first, expected[i].first);
      EXPECT_TRUE(samples::same_bits(actual[i].second, expected[i].second)) << actual[i].first;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, RecomputeStep, testing::ValuesIn(cases()),
                         [](const auto& info) { return name_of_case(info.param); });

}  // namespace
}  // namespace minissl
