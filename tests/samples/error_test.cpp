#include <gtest/gtest.h>

#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

class Misuse : public testing::TestWithParam<ErrorCase> {};

TEST_P(Misuse, IsAnErrorThatSaysWhat) {
  try {
    GetParam().provoke();
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    const std::string message = e.what();
    EXPECT_NE(message.find(GetParam().message), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

INSTANTIATE_TEST_SUITE_P(, Misuse, testing::ValuesIn(all_errors()),
                         [](const auto& info) { return full_name(info.param); });

}  // namespace
}  // namespace minissl::samples
