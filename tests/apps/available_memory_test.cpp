#include "apps/available_memory.h"

#include "tests/apps/made_up_machine.h"

namespace minissl {
namespace {

constexpr int64_t gib = int64_t{1} << 30;

class AvailableMemoryTest : public MadeUpMachine {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    write("proc/meminfo", "MemTotal:       67108864 kB\nMemFree:  1 kB\nMemAvailable:   33554432 kB\n");
  }
  void mount_version_2(const std::string& own, const std::string& top = "/") const {
    write("proc/self/cgroup", "0::" + own + "\n");
    write("proc/self/mountinfo",
          "30 23 0:26 " + top + " /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
  }
  void mount_version_1(const std::string& own, const std::string& top = "/") const {
    write("proc/self/cgroup", "12:pids:/elsewhere\n4:cpu,memory:" + own + "\n0::/\n");
    write("proc/self/mountinfo",
          "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
          "32 31 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
          "35 31 0:32 " +
              top +
              " /sys/fs/cgroup/memory rw - cgroup cgroup rw,cpu,memory\n"
              "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  }
  void limit_version_2(const std::string& group, const std::string& limit, int64_t used, int64_t cached = 0) const {
    write("sys/fs/cgroup/" + group + "/memory.max", limit + "\n");
    write("sys/fs/cgroup/" + group + "/memory.current", fmt::format("{}\n", used));
    write("sys/fs/cgroup/" + group + "/memory.stat", fmt::format("anon 5\ninactive_file {}\nactive_file 7\n", cached));
  }
  void limit_version_1(const std::string& group, int64_t limit, int64_t used, int64_t cached = 0) const {
    write("sys/fs/cgroup/memory/" + group + "/memory.limit_in_bytes", fmt::format("{}\n", limit));
    write("sys/fs/cgroup/memory/" + group + "/memory.usage_in_bytes", fmt::format("{}\n", used));
    write("sys/fs/cgroup/memory/" + group + "/memory.stat",
          fmt::format("inactive_file 1\ntotal_inactive_file {}\n", cached));
  }
  int64_t below_limits() const { return memory_below_limits(folder_); }
};

TEST_F(AvailableMemoryTest, WithoutControlGroupsIsTheMachines) { EXPECT_EQ(below_limits(), 32 * gib); }

TEST_F(AvailableMemoryTest, IsWhatTheProcessesOwnGroupLeaves) {
  mount_version_2("/user.slice/job.scope");
  limit_version_2("user.slice/job.scope", std::to_string(8 * gib), 3 * gib, gib);
  limit_version_2("other.slice", std::to_string(gib), gib);
  EXPECT_EQ(below_limits(), 6 * gib) << "the limit of 8 less 3 in use, 1 of it in files that can be evicted";
  limit_version_2("user.slice/job.scope", "max", 3 * gib);
  EXPECT_EQ(below_limits(), 32 * gib);
}

TEST_F(AvailableMemoryTest, IsTheLeastOfTheGroupsAroundTheProcess) {
  mount_version_2("/user.slice/user-1.slice/job.scope");
  limit_version_2("user.slice/user-1.slice/job.scope", std::to_string(8 * gib), gib);
  limit_version_2("user.slice/user-1.slice", std::to_string(16 * gib), 14 * gib);
  limit_version_2("user.slice", "max", 20 * gib);
  EXPECT_EQ(below_limits(), 2 * gib);
}

TEST_F(AvailableMemoryTest, MemoryHighIsALimitToo) {
  mount_version_2("/job");
  limit_version_2("job", std::to_string(8 * gib), gib);
  write("sys/fs/cgroup/job/memory.high", fmt::format("{}\n", 5 * gib));
  EXPECT_EQ(below_limits(), 4 * gib);
}

TEST_F(AvailableMemoryTest, IsNothingInAGroupThatIsFull) {
  mount_version_2("/job");
  limit_version_2("job", std::to_string(gib), 2 * gib);
  EXPECT_EQ(below_limits(), 0);
}

TEST_F(AvailableMemoryTest, InAContainerTheMountIsTheOwnGroup) {
  mount_version_2("/");  // a namespace of its own
  limit_version_2(".", std::to_string(4 * gib), gib);
  EXPECT_EQ(below_limits(), 3 * gib);
  mount_version_2("/docker/abc/job", "/docker/abc");  // none: paths are the host's
  limit_version_2("job", std::to_string(2 * gib), gib);
  EXPECT_EQ(below_limits(), gib);
  mount_version_2("/../../somewhere", "/");
  EXPECT_EQ(below_limits(), 3 * gib);
}

TEST_F(AvailableMemoryTest, VersionOneCountsTheSameWay) {
  mount_version_1("/slurm/job_7");
  constexpr int64_t no_limit = INT64_MAX / 4096 * 4096;
  limit_version_1("", no_limit, 30 * gib, 40 * gib);
  limit_version_1("slurm", 20 * gib, 4 * gib);
  limit_version_1("slurm/job_7", no_limit, gib);
  EXPECT_EQ(below_limits(), 16 * gib);
  limit_version_1("slurm/job_7", 6 * gib, 2 * gib, gib);
  EXPECT_EQ(below_limits(), 5 * gib);
  mount_version_1("/docker/abc", "/docker/abc");
  limit_version_1("", 3 * gib, gib);
  EXPECT_EQ(below_limits(), 2 * gib);
}

TEST_F(AvailableMemoryTest, OfThisMachineIsThere) { EXPECT_GT(memory_below_limits(), 0); }

}  // namespace
}  // namespace minissl
