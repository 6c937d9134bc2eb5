#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/apps/command_line.h"

namespace minissl {
namespace {

class DevicesCommand : public TemporaryFolder {
 protected:
  CommandResult run(const std::string& arguments) { return minissl_command(arguments, folder_); }
  nlohmann::json devices() { return nlohmann::json::parse(run("devices --json").out); }
};

TEST_F(DevicesCommand, ListsTheCpuAndGpusOrSaysWhyThereAreNone) {
  const nlohmann::json found = devices();
  EXPECT_GT(found.at("cpu").at("cores").get<int>(), 0);
  EXPECT_NE(found.at("cuda").empty(), !found.contains("why_no_cuda"));
  const CommandResult table = run("devices");
  EXPECT_EQ(table.status, 0);
  EXPECT_EQ(table.out.find("cpu "), 0U);
  EXPECT_NE(table.out.find("\ncuda"), std::string::npos);
}

TEST_F(DevicesCommand, AMissingDeviceIsRefusedInOneLine) {
  for (const std::string device : {"cuda:99", "gpu", "cuda:", "cuda:-1"}) {
    const CommandResult refused = run("bench step moco --device " + device);
    EXPECT_EQ(refused.status, device == "cuda:99" ? 1 : 2) << device;
    EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << refused.err;
    EXPECT_NE(refused.err.find("--device " + device), std::string::npos) << refused.err;
  }
}

TEST_F(DevicesCommand, WithoutAGpuCudaIsRefusedWithTheReason) {
  const nlohmann::json found = devices();
  if (!found.contains("why_no_cuda")) GTEST_SKIP() << "there is a GPU";
  const CommandResult refused = run("bench step moco --device cuda");
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find(found.at("why_no_cuda").get<std::string>()), std::string::npos) << refused.err;
}

}  // namespace
}  // namespace minissl
