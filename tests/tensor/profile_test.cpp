#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tensor/ops/adamw.h"
#include "tensor/ops/convolution.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/update.h"

namespace minissl {
namespace {

TEST(Profile, RecordsOperationsWithTheirWork) {
  const Tensor a = Tensor::zeros({2, 3}), b = Tensor::zeros({3, 5});
  ops::matmul(a, b);
  Profile profile;
  ops::matmul(a, b);
  ops::convolution(Tensor::zeros({1, 4, 4, 3}), Tensor::zeros({2, 3, 3, 3}), {1, 1});
  const Tensor value = Tensor::zeros({8}), copy = Tensor::zeros({6}, DType::bf16);
  run(ops::AdamW{.value = value,
                 .gradient = Tensor::zeros({8}),
                 .m = Tensor::zeros({8}),
                 .v = Tensor::zeros({8}),
                 .pieces = one_parameter(value),
                 .followers = {.copy = copy}});
  ASSERT_EQ(profile.events().size(), 3);
  const Profile::Event &product = profile.events()[0], &convolution = profile.events()[1];
  EXPECT_STREQ(product.operation, "matmul");
  EXPECT_EQ(product.shapes, "[2, 3] [3, 5] [2, 5]");
  EXPECT_EQ(product.flops, 2 * 2 * 3 * 5);
  EXPECT_EQ(product.bytes, 4 * (6 + 15 + 10));
  EXPECT_EQ(convolution.flops, 2 * (1 * 4 * 4 * 2) * (3 * 3 * 3));
  EXPECT_EQ(profile.events()[2].bytes, 4 * 4 * 8 + 3 * 8 + 2 * 6);
  for (const Profile::Event& e : profile.events()) EXPECT_GE(e.seconds, 0);
  EXPECT_LE(product.start + product.seconds, convolution.start);
}

TEST(Profile, EndsWithItsScopeAndSurvivesErrors) {
  const Tensor a = Tensor::zeros({2, 3}), b = Tensor::zeros({3, 5});
  Profile outer;
  {
    Profile inner;
    ops::matmul(a, b);
    EXPECT_EQ(inner.events().size(), 1);
  }
  EXPECT_TRUE(outer.events().empty());
  EXPECT_THROW(run(ops::Ema{.target = Tensor::zeros({4}), .source = Tensor::zeros({5})}), Error);
  ops::matmul(a, b);
  EXPECT_EQ(outer.events().size(), 1) << "an operation that failed is not one that ran";
}

TEST(Profile, WritesATraceThatViewersRead) {
  Profile profile;
  ops::matmul(Tensor::zeros({2, 3}), Tensor::zeros({3, 5}));
  std::ostringstream text;
  write_trace(text, profile.events());
  const auto trace = nlohmann::json::parse(text.str());
  ASSERT_EQ(trace["traceEvents"].size(), 1);
  const auto& event = trace["traceEvents"][0];
  EXPECT_EQ(event["name"], "matmul");
  EXPECT_EQ(event["ph"], "X");
  EXPECT_NEAR(event["dur"].get<double>(), profile.events()[0].seconds * 1e6, 1e-3);
  EXPECT_EQ(event["args"]["shapes"], "[2, 3] [3, 5] [2, 5]");
  std::ostringstream in_no_time;
  write_trace(in_no_time, {{"expand", "[1] [0]", 0, 0, 0, 4}});
  EXPECT_EQ(nlohmann::json::parse(in_no_time.str())["traceEvents"][0]["args"]["gb_per_s"], 0);
}

}  // namespace
}  // namespace minissl
