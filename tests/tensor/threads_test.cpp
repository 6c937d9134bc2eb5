#include "tensor/threads.h"

#include <cstdlib>
#include <gtest/gtest.h>

#include "tensor/parallel.h"
#include "tests/few_threads.h"

namespace minissl {
namespace {

// Prints the message of the Error that f() throws, and ends the process.
template <class F>
[[noreturn]] void end_with_error_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    fmt::print(stderr, "{}\n", e.what());
    _exit(1);
  }
  _exit(0);
}

class ThreadsTest : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(ThreadsTest, ThatCannotBeHadAreAnErrorBeforeAnyWork) {
  EXPECT_EXIT(end_with_error_of([] {
                allow_threads(5);
                set_threads(500);
              }),
              testing::ExitedWithCode(1),
              "`threads` 500: the system lets this process have [345]; use as many, or raise");
}

TEST_F(ThreadsTest, AsManyAsCanBeHadAreStarted) {
  EXPECT_EXIT(end_with_error_of([] {
                allow_threads(5);
                set_threads(5);
                set_threads(1);
                set_threads(2);
              }),
              testing::ExitedWithCode(0), "");
}

TEST_F(ThreadsTest, OneMoreThanCanBeHadIsAnErrorThatSaysWhatItIsFor) {
  EXPECT_EXIT(end_with_error_of([] {
                allow_threads(1);
                start_thread("to count sheep", [] {}).join();
              }),
              testing::ExitedWithCode(1),
              "can't start a thread to count sheep: Resource temporarily unavailable; use fewer");
}

TEST_F(ThreadsTest, AreStartedAndEndedAgain) {
  const int before = threads();
  EXPECT_GE(allowed_threads(), 1);
  for (const int count : {1, 5, 2, 3}) {
    set_threads(count);
    EXPECT_EQ(threads(), count);
  }
  EXPECT_THROW(set_threads(0), Error);
  set_threads(before);
}

}  // namespace
}  // namespace minissl
