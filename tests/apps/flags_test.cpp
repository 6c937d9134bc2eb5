#include "apps/flags.h"

#include <gtest/gtest.h>

#include "apps/network_flags.h"
#include "apps/option_flags.h"
#include "tensor/error.h"
#include "tests/apps/command_line.h"

namespace minissl {
namespace {

class FlagsTest : public TemporaryFolder {};

TEST_F(FlagsTest, OptionsInMessagesOfLibrariesAreShownAsFlags) {
  const auto error = [&](const std::string& command) { return minissl_command(command, folder_).err; };
  const std::string train =
      "train simclr --data synth:8:32 --size 32 --width 8 --batch 4 --out " + (folder_ / "run").string() + " ";
  EXPECT_NE(error(train + "--temperature -1").find("minissl: --temperature must be above 0, not -1"),
            std::string::npos);
  EXPECT_NE(error(train + "--bn sometimes").find("--bn sometimes is not known"), std::string::npos);
  EXPECT_EQ(minissl_command(train + "--stem tiny", folder_).status, 2) << "one of a few values";
  EXPECT_NE(error(train + "--bn split:3").find("--bn split:3 needs batches"), std::string::npos);
  EXPECT_NE(error(train + "--flip 2").find("--flip must be from 0 to 1, not 2"), std::string::npos);
  EXPECT_NE(error(train + "--batch 9").find("--batch 9"), std::string::npos);
}

TEST(WithFlags, LeavesOtherBackquotesAlone) {
  EXPECT_EQ(with_flags("`no-such-flag-anywhere` is 3, and a ` alone"), "`no-such-flag-anywhere` is 3, and a ` alone");
  EXPECT_EQ(with_flags(""), "");
}

TEST(NetworkFlags, OptionsOfABackboneGoThroughText) {
  NetworkFlags network("resnet34");
  network.set_options({{"stem", "small"}, {"width", "16"}, {"bn", "split:2"}, {"of another network", "7"}}, "a file");
  const NetworkFlags copy = network;
  EXPECT_EQ(copy.options(),
            (std::map<std::string, std::string>{{"stem", "small"}, {"width", "16"}, {"bn", "split:2"}}));
  EXPECT_EQ(copy.config().make()->batch_groups(), 2);
  EXPECT_EQ(copy.config().make()->features(), 128);
  network.set_options({{"width", "32"}}, "a file");
  EXPECT_EQ(copy.options().at("width"), "16") << "copies are values of their own";
  EXPECT_THROW(network.set_options({{"width", "16x"}}, "a file"), Error);
  EXPECT_THROW(NetworkFlags("resnet19"), Error);
}

}  // namespace
}  // namespace minissl
