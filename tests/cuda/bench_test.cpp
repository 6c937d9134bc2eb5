#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/command.h"
#include "tests/cuda/gpu.h"

namespace minissl {
namespace {

TEST(BenchOnGpu, TimesStepsWithoutWaitingForEach) {
  MINISSL_NEEDS_GPU();
  std::istringstream words(
      fmt::format("bench step moco --device cuda --stem small --width {} --channels 1 --size 8 --dim 8 --queue 8 "
                  "--batch 4 --steps 1 --warmup 0 --json",
                  network_width));
  testing::internal::CaptureStdout();
  read_flags(add_bench, {std::istream_iterator<std::string>(words), {}}, "bench");
  const auto result = nlohmann::json::parse(testing::internal::GetCapturedStdout());
  EXPECT_EQ(result.at("device"), "cuda:0");
  EXPECT_TRUE(std::isfinite(result.at("loss").get<double>()));
  EXPECT_GT(result.at("img_s").get<double>(), 0);
  // Except for the numbers that a step logs.
  const auto predicted = result.at("predicted_peak_bytes").get<double>();
  EXPECT_NEAR(result.at("allocator_peak_bytes").get<double>(), predicted, 1e-4 * predicted);
  EXPECT_EQ(result.at("allocator_reserved_bytes"), result.at("predicted_reserved_bytes"));
}

}  // namespace
}  // namespace minissl
