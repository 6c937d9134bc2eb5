#include "apps/run_settings.h"

#include <gtest/gtest.h>

#include "tensor/error.h"

namespace minissl {
namespace {

std::vector<std::string> names_of(const std::vector<ChangedSetting>& changes) {
  std::vector<std::string> names;
  for (const ChangedSetting& change : changes) names.push_back(change.name);
  return names;
}
std::vector<std::string> changed(const std::string& before, const std::string& now) {
  return names_of(changed_settings(settings_of(before), settings_of(now)));
}
using Names = std::vector<std::string>;

TEST(RunSettingsTest, ValuesAreComparedNotTheirSpelling) {
  EXPECT_EQ(changed("lr = 0.10\ncrop-scale = \"0.20,1\"\ndata = \"a b\"",
                    "lr = 1e-1\ncrop-scale = \"0.2,1.0\"\ndata = 'a b'"),
            Names{});
  EXPECT_EQ(changed("crop-scale = \"0.2,1\"", "crop-scale = \"0.2,1,1\""), Names{"crop-scale"});
  EXPECT_EQ(changed("data = \"\"", "data = \"a\""), Names{"data"});
}

TEST(RunSettingsTest, ASettingIsFoundByItsWholeName) {
  EXPECT_EQ(changed("temperature = 0.2\neval-temperature = 0.1", "temperature = 0.1\neval-temperature = 0.1"),
            Names{"temperature"});
}

TEST(RunSettingsTest, SettingsThatOnlyOneSideKnowsAreNoChange) {
  EXPECT_EQ(changed("old = 1\nlr = 0.1", "lr = 0.1\nnew = 2"), Names{});
}

TEST(RunSettingsTest, WhatMayChangeHasAnEffectAndTheRestIsRefused) {
  const auto changes = changed_settings(settings_of("epochs = 3\nworkers = 1\nbatch = 16\noptimizer = \"sgd\""),
                                        settings_of("epochs = 4\nworkers = 2\nbatch = 32\noptimizer = \"lars\""));
  ASSERT_EQ(names_of(changes), (Names{"batch", "epochs", "optimizer", "workers"}));
  EXPECT_TRUE(changes[0].effect.empty());
  EXPECT_FALSE(changes[1].effect.empty());
  EXPECT_TRUE(changes[1].changes_figures);
  EXPECT_TRUE(changes[2].effect.empty());
  EXPECT_FALSE(changes[3].changes_figures);
  try {
    require_same_run("run/last.safetensors", changes);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(std::string(e.what()).find(
                  "run/last.safetensors: batch is 32 now, and was 16, optimizer is lars now, and was sgd;"),
              0U)
        << e.what();
  }
  EXPECT_NO_THROW(require_same_run("run", {changes[1], changes[3]}));
}

TEST(RunSettingsTest, ACheckpointKeepsThoseOfTheFigures) {
  EXPECT_EQ(settings_of_figures("# comment\nmethod = \"moco\"\ndata = \"x\"\nepochs = 3\nbatch = 16\nworkers = 2\n"),
            "method = \"moco\"\nepochs = 3\nbatch = 16\n");
}

}  // namespace
}  // namespace minissl
