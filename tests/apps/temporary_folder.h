#pragma once
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tensor/error.h"

namespace minissl {

/// A separate folder for each test, removed afterwards.
class TemporaryFolder : public testing::Test {
 protected:
  void SetUp() override {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() /
              fmt::format("minissl-{}-{}-{}", test->test_suite_name(), test->name(), getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

/// The message of the Error that `call` throws; empty if it throws none.
template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace minissl
