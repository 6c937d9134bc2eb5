#include "tensor/atomic_file.h"

#include <csignal>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tensor/error.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  int64_t count_files() const { return std::distance(fs::directory_iterator(folder_), fs::directory_iterator()); }
  fs::path folder_ = fs::temp_directory_path() / fmt::format("minissl-atomic-{}", getpid());
};

TEST_F(AtomicFileTest, AppearsOnlyWhenCommitted) {
  const fs::path path = folder_ / "file";
  {
    AtomicFile file(path);
    file.write("half");
    EXPECT_FALSE(fs::exists(path));
    file.write(" and half");
    file.commit();
  }
  EXPECT_EQ(read_file(path), "half and half");
}

TEST_F(AtomicFileTest, WithoutCommitTheOldFileStaysAndNothingIsLeftBehind) {
  const fs::path path = folder_ / "file";
  write_file(path, "old");
  {
    AtomicFile file(path);
    file.write("new");
  }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(count_files(), 1);
}

// While it lives, files can't grow beyond a few bytes, as on a full disk.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~SmallFiles() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  sighandler_t handler_;
  rlimit before_{};
};

TEST_F(AtomicFileTest, AFullDiskIsAnErrorAndTheOldFileStays) {
  const fs::path path = folder_ / "file";
  write_file(path, "old");
  {
    const SmallFiles limit(8);
    AtomicFile file(path);
    file.write("12345678");
    EXPECT_THROW(file.write("9"), Error);
  }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(count_files(), 1);
}

TEST_F(AtomicFileTest, AKilledWriteLeavesAFileThatTheNextWriteUsesAgain) {
  const fs::path path = folder_ / "file";
  std::ofstream(folder_ / "file.minissl-tmp") << "a very long text of a killed write";
  write_file(path, "new");
  EXPECT_EQ(read_file(path), "new");
  EXPECT_EQ(count_files(), 1);
}

TEST_F(AtomicFileTest, LeftoversAreRemovedButNotWhatIsBeingWritten) {
  std::ofstream(folder_ / "a.minissl-tmp") << "x";
  std::ofstream(folder_ / "b.minissl-tmp2") << "x";
  std::ofstream(folder_ / "c.tmp") << "a user's";
  AtomicFile file(folder_ / "d");
  EXPECT_EQ(AtomicFile::remove_leftovers(folder_), 2);
  file.write("whole");
  file.commit();
  EXPECT_EQ(read_file(folder_ / "d"), "whole");
  EXPECT_EQ(count_files(), 2);
}

TEST_F(AtomicFileTest, TwoWritersOfOneFileDoNotMixTheirBytes) {
  const fs::path path = folder_ / "file";
  AtomicFile first(path), second(path);
  first.write("first");
  second.write("the second");
  second.commit();
  EXPECT_EQ(read_file(path), "the second");
  first.commit();
  EXPECT_EQ(read_file(path), "first");
  EXPECT_EQ(count_files(), 1);
}

TEST_F(AtomicFileTest, ASymbolicLinkStaysOneAndItsTargetIsWritten) {
  write_file(folder_ / "target", "old");
  fs::create_symlink("target", folder_ / "link");
  fs::create_symlink(folder_ / "link", folder_ / "link of a link");
  fs::create_symlink("not yet", folder_ / "dangling");
  write_file(folder_ / "link of a link", "new");
  write_file(folder_ / "dangling", "made");
  EXPECT_EQ(read_file(folder_ / "target"), "new");
  EXPECT_EQ(read_file(folder_ / "not yet"), "made");
  for (const char* link : {"link", "link of a link", "dangling"}) EXPECT_TRUE(fs::is_symlink(folder_ / link)) << link;
  fs::create_symlink("round", folder_ / "round");
  EXPECT_THROW(AtomicFile(folder_ / "round"), Error);
}

TEST_F(AtomicFileTest, FoldersDevicesAndPipesAreNotReplaced) {
  fs::create_directory(folder_ / "folder");
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  fs::create_symlink("/dev/null", folder_ / "null");
  for (const char* name : {"folder", "pipe", "null"}) {
    EXPECT_THROW(AtomicFile(folder_ / name), Error) << name;
    EXPECT_FALSE(fs::is_regular_file(folder_ / name)) << name;
  }
}

TEST_F(AtomicFileTest, AnEndWithoutCommitRemovesTheTemporaryFiles) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const fs::path path = folder_ / "file";
  EXPECT_EXIT(
      {
        fs::create_directories(folder_);
        AtomicFile file(path);
        file.write("half");
        AtomicFile::abandon_all();
        _exit(fs::is_empty(folder_) ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(AtomicFileTest, ErrorsNameThePath) {
  try {
    read_file(folder_ / "missing");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("missing"), std::string::npos);
  }
}

}  // namespace
}  // namespace minissl
