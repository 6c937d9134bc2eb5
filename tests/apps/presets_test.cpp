#include "apps/presets.h"

#include <gtest/gtest.h>

#include "apps/trainer.h"
#include "tests/apps/command_line.h"

namespace minissl {
namespace {

class PresetsTest : public TemporaryFolder {};

TEST_F(PresetsTest, AllAreRecipesThatTrainTakes) {
  ASSERT_FALSE(presets().empty());
  for (const Preset& preset : presets()) {
    const std::string toml(preset.toml);
    const size_t named = toml.find("method = \"");
    const std::string method =
        named == toml.npos ? "moco" : toml.substr(named + 10, toml.find('"', named + 10) - named - 10);
    // All but the data, which don't exist, must be right.
    const CommandResult result = minissl_command(
        fmt::format("train {} --preset {} --data nowhere --out {}", method, preset.name, (folder_ / "run").string()),
        folder_);
    EXPECT_EQ(result.status, 1) << preset.name << result.err;
    EXPECT_NE(result.err.find("no such folder"), std::string::npos) << preset.name << result.err;
  }
}

TEST_F(PresetsTest, FlagsWinAndUnknownNamesListTheKnown) {
  const std::string run = (folder_ / "run").string();
  CommandResult result = minissl_command(
      "train simclr --preset cxr-gentle --noise 0.3 --data synth:16:32 --channels 1 --width 8 --size 16 --batch 8 "
      "--epochs 1 --steps 1 --monitor-every 0 --normalization data --out " +
          run,
      folder_);
  ASSERT_EQ(result.status, 0) << result.err;
  const TrainFlags flags = read_train_flags(run);
  EXPECT_EQ(flags.augmentation.brightness, 0.2f);
  EXPECT_EQ(flags.augmentation.noise, 0.3f);
  EXPECT_EQ(read_file(run + "/config.toml").find("preset"), std::string::npos);
  result = minissl_command("train simclr --preset cxr-rough --data synth:8 --out " + run, folder_);
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("--preset cxr-rough is not known; there are "), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("cxr-gentle"), std::string::npos);
}

}  // namespace
}  // namespace minissl
