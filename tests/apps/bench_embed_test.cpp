#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/apps/command_line.h"

namespace minissl {
namespace {

class BenchEmbedCommand : public TemporaryFolder {
 protected:
  CommandResult run(const std::string& arguments) {
    return minissl_command("bench embed --batch 4 --steps 2 --warmup 1 --threads 2 " + arguments, folder_);
  }
};

TEST_F(BenchEmbedCommand, TellsTheSpeedOfANetworkDrawnFromTheSeed) {
  const CommandResult result = run("--arch resnet18 --width 8 --size 32 --channels 1 --json");
  ASSERT_EQ(result.status, 0) << result.err;
  const nlohmann::json figures = nlohmann::json::parse(result.out);
  EXPECT_EQ(figures.at("arch"), "resnet18");
  EXPECT_EQ(figures.at("batch"), 4);
  EXPECT_EQ(figures.at("size"), 32);
  EXPECT_EQ(figures.at("threads"), 2);
  EXPECT_GT(figures.at("peak_mb").get<int>(), 0);
  const auto milliseconds = figures.at("batch_ms").get<std::vector<double>>();
  ASSERT_EQ(milliseconds.size(), 3U);
  EXPECT_LE(milliseconds[1], milliseconds[0]);
  EXPECT_LE(milliseconds[0], milliseconds[2]);
  // Milliseconds are rounded to tenths.
  EXPECT_NEAR(figures.at("img_s").get<double>() * milliseconds[0], 4000, 4000 * 0.05 / (milliseconds[0] - 0.05) + 1);
  const CommandResult profiled = run("--arch vit_tiny --patch 8 --size 32 --profile");
  EXPECT_EQ(profiled.status, 0) << profiled.err;
  EXPECT_NE(profiled.out.find("attention"), std::string::npos) << profiled.out;
}

TEST_F(BenchEmbedCommand, TakesTheNetworkOfAWeightsFile) {
  const std::string trained = (folder_ / "run").string();
  const CommandResult training = minissl_command(
      "train simclr --data synth:8:32 --channels 1 --width 8 --size 32 --batch 4 --dim 8 --hidden 8 "
      "--epochs 1 --workers 1 --out " +
          trained,
      folder_);
  ASSERT_EQ(training.status, 0) << training.err;
  const CommandResult result = run("--json --weights " + trained + "/backbone.safetensors");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out).at("size"), 32);
  const CommandResult other = run("--arch resnet50 --weights " + trained + "/backbone.safetensors");
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.err.find("it holds resnet18, not resnet50"), std::string::npos) << other.err;
}

TEST_F(BenchEmbedCommand, RefusesAProfileInJson) { EXPECT_EQ(run("--json --profile").status, 2); }

}  // namespace
}  // namespace minissl
