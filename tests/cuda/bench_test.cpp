#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "tests/cuda/gpu.h"

namespace minissl {
namespace {

TEST(BenchOnGpu, TimesStepsThatNobodyWaitsFor) {
  MINISSL_NEEDS_REAL_GPU();
  CLI::App app;
  add_bench(app);
  testing::internal::CaptureStdout();
  app.parse(
      "bench step moco --device cuda --stem small --channels 1 --size 8 --dim 8 --queue 8 --batch 4 --steps 1 "
      "--warmup 0 --json");
  const auto result = nlohmann::json::parse(testing::internal::GetCapturedStdout());
  EXPECT_EQ(result.at("device"), "cuda:0");
  EXPECT_TRUE(std::isfinite(result.at("loss").get<double>()));
  EXPECT_GT(result.at("img_s").get<double>(), 0);
  // But for the numbers that a step shows of itself.
  const auto predicted = result.at("predicted_peak_bytes").get<double>();
  EXPECT_NEAR(result.at("allocator_peak_bytes").get<double>(), predicted, 1e-4 * predicted);
  EXPECT_EQ(result.at("allocator_reserved_bytes"), result.at("predicted_reserved_bytes"));
}

}  // namespace
}  // namespace minissl
