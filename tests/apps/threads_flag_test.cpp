#include <gtest/gtest.h>

#include "tests/apps/command_line.h"

namespace minissl {
namespace {

class ThreadsFlagTest : public TemporaryFolder {};

TEST_F(ThreadsFlagTest, MoreThanOpenMpAllowsIsOneClearLine) {
  const std::string command = "bench step simclr --width 8 --size 32 --batch 4 --dim 8 --hidden 8 --steps 1 --json ";
  const CommandResult refused = minissl_command(command + "--threads 2", folder_, "OMP_THREAD_LIMIT=1 timeout 60 ");
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(refused.err, "minissl: --threads 2: OMP_THREAD_LIMIT allows 1; use as many, or raise it\n");
  const CommandResult by_default = minissl_command(command, folder_, "OMP_THREAD_LIMIT=1 timeout 60 ");
  EXPECT_EQ(by_default.status, 0) << by_default.err;
  EXPECT_NE(by_default.out.find("\"threads\":1,"), std::string::npos) << by_default.out;
}

}  // namespace
}  // namespace minissl
