#include <cmath>

#include "tensor/control_groups.h"
#include "tests/apps/made_up_machine.h"

namespace minissl {
namespace {

class ProcessorLimitsTest : public MadeUpMachine {
 protected:
  double limit() const { return processors_below_limits(folder_); }
};

TEST_F(ProcessorLimitsTest, WithoutControlGroupsThereIsNone) { EXPECT_TRUE(std::isinf(limit())); }

TEST_F(ProcessorLimitsTest, IsTheLeastOfTheGroupsAroundTheProcess) {
  write("proc/self/cgroup", "0::/pods/one\n");
  write("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n");
  write("sys/fs/cgroup/pods/one/cpu.max", "max 100000\n");
  EXPECT_TRUE(std::isinf(limit()));
  write("sys/fs/cgroup/pods/one/cpu.max", "250000 100000\n");
  EXPECT_EQ(limit(), 2.5);
  write("sys/fs/cgroup/pods/cpu.max", "75000 50000\n");
  EXPECT_EQ(limit(), 1.5);
}

TEST_F(ProcessorLimitsTest, VersionOneCountsTheSameWay) {
  write("proc/self/cgroup", "4:cpu,cpuacct:/job\n0::/\n");
  write("proc/self/mountinfo", "35 31 0:32 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n");
  write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n");
  EXPECT_TRUE(std::isinf(limit()));
  write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "300000\n");
  EXPECT_EQ(limit(), 3);
}

}  // namespace
}  // namespace minissl
