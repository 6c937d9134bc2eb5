#pragma once
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

#include "tensor/error.h"

namespace minissl {

/// A separate folder for each test, removed afterwards.
class ScratchFolder : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path file(const std::string& name) const { return folder_ / name; }
  /// The path of a new file with this content.
  std::filesystem::path file_with(std::string_view content, const std::string& name = "file") const {
    // Not with write_file: waiting for the disk thousands of times takes a minute.
    std::ofstream(file(name), std::ios::binary) << content;
    return file(name);
  }

 private:
  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / fmt::format("minissl-formats-{}", getpid());
};

/// The message of the Error that `f` throws; fails the test if it throws none.
template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

}  // namespace minissl
