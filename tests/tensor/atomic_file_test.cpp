#include "tensor/atomic_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tensor/error.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
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
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(AtomicFileTest, AFullDiskIsAnError) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  // The temporary file's name is known, so make it a link to a device that is always full.
  const fs::path path = folder_ / "file";
  fs::create_symlink("/dev/full", folder_ / fmt::format("file.{}.tmp", getpid()));
  write_file(folder_ / "other", "untouched");
  AtomicFile file(path);
  EXPECT_THROW(file.write("x"), Error);
  EXPECT_FALSE(fs::exists(path));
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
