#include "apps/run/run_folder.h"

#include <sys/wait.h>
#include <unistd.h>

#include "tensor/atomic_file.h"
#include "tests/apps/temporary_folder.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

class RunFolderTest : public TemporaryFolder {
 protected:
  void touch(const std::string& name) const { write_file(folder_ / name, "x"); }
};

TEST_F(RunFolderTest, AFolderHoldsARunIfAnyOfItsFilesIsThere) {
  touch("notes.txt");
  touch("epoch_0001_best.safetensors");
  EXPECT_TRUE(RunFolder(folder_).files().empty());
  for (const char* name : {"config.toml", "metrics.jsonl", "last.safetensors", "backbone.safetensors", "views.png",
                           "report.html", "epoch_0007.safetensors", "epoch_12345.safetensors"}) {
    touch(name);
    EXPECT_EQ(RunFolder(folder_).files(), std::vector<std::string>{name});
    fs::remove(folder_ / name);
  }
}

TEST_F(RunFolderTest, OnlyTheRunsOwnCheckpointsArePrunedTheOldestFirst) {
  for (const char* name :
       {"epoch_9998.safetensors", "epoch_9999.safetensors", "epoch_10000.safetensors", "epoch_0001_best.safetensors",
        "epoch_1.safetensors", "epoch_00001.safetensors", "epoch_.safetensors", "epoch_0002.safetensors.bak"})
    touch(name);
  RunFolder(folder_).prune(2);
  EXPECT_FALSE(fs::exists(folder_ / "epoch_9998.safetensors"));
  for (const char* name :
       {"epoch_9999.safetensors", "epoch_10000.safetensors", "epoch_0001_best.safetensors", "epoch_1.safetensors",
        "epoch_00001.safetensors", "epoch_.safetensors", "epoch_0002.safetensors.bak"})
    EXPECT_TRUE(fs::exists(folder_ / name)) << name;
  RunFolder(folder_).prune(0);
  EXPECT_EQ(epoch_checkpoints(folder_).size(), 2U);
}

TEST_F(RunFolderTest, OneProcessAtATimeHasItAndIsNamed) {
  const fs::path run = folder_ / "run";
  RunFolder mine(run);
  EXPECT_FALSE(fs::exists(run)) << "nothing is written before open()";
  mine.open();
  const std::string message = error_of([&] { RunFolder other(run); });
  EXPECT_NE(message.find(fmt::format("process {} on ", getpid())), std::string::npos) << message;
}

TEST_F(RunFolderTest, TheLockEndsWithItsProcess) {
  const pid_t child = fork();
  if (child == 0) {
    RunFolder folder(folder_);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_NO_THROW(RunFolder other(folder_));
}

// Both found no folder; the second must not take the first one's.
TEST_F(RunFolderTest, ARunThatAnotherProcessBeganMeanwhileIsRefused) {
  const fs::path run = folder_ / "run";
  RunFolder late(run);
  {
    RunFolder early(run);
    early.open();
    write_file(run / "config.toml", "x");
    EXPECT_NE(error_of([&] { late.open(); }).find("is training there"), std::string::npos);
  }
  EXPECT_NE(error_of([&] { late.open(); }).find("another process has begun a run"), std::string::npos);
}

TEST_F(RunFolderTest, WhatKilledWritesLeftIsRemoved) {
  touch("last.safetensors");
  touch("epoch_0003.safetensors.minissl-tmp");
  touch("a user's.tmp");
  RunFolder folder(folder_);
  folder.open();
  EXPECT_FALSE(fs::exists(folder_ / "epoch_0003.safetensors.minissl-tmp"));
  EXPECT_TRUE(fs::exists(folder_ / "a user's.tmp"));
}

TEST_F(RunFolderTest, AFileOrAFolderWithoutPermissionIsAnErrorBeforeTheWork) {
  touch("file");
  EXPECT_NE(error_of([&] { RunFolder folder(folder_ / "file"); }).find("is a file; name a folder"), std::string::npos);
  if (getuid() == 0) GTEST_SKIP() << "root may write anywhere";
  fs::permissions(folder_, fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_NE(error_of([&] { RunFolder folder(folder_); }).find("can't write there"), std::string::npos);
  fs::permissions(folder_, fs::perms::owner_all);
}

}  // namespace
}  // namespace minissl
