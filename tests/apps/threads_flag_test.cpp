#include <gtest/gtest.h>

#include "tests/apps/command_line.h"

namespace minissl {
namespace {

class ThreadsFlagTest : public TemporaryFolder {};

TEST_F(ThreadsFlagTest, TheDefaultIsTheCoresThatTheProcessMayRunOn) {
  const std::string command = "bench step simclr --width 8 --size 32 --batch 4 --dim 8 --hidden 8 --steps 1 --json ";
  const CommandResult by_default = minissl_command(command, folder_, "taskset -c 0 timeout 60 ");
  EXPECT_EQ(by_default.status, 0) << by_default.err;
  EXPECT_NE(by_default.out.find("\"threads\":1,"), std::string::npos) << by_default.out;
  const CommandResult more = minissl_command(command + "--threads 3", folder_, "taskset -c 0 timeout 60 ");
  EXPECT_EQ(more.status, 0) << more.err;
  EXPECT_NE(more.out.find("\"threads\":3,"), std::string::npos) << more.out;
}

}  // namespace
}  // namespace minissl
