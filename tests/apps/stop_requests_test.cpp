#include "apps/stop_requests.h"

#include <chrono>
#include <csignal>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

namespace minissl {
namespace {

void ask_and_wait(int signal) {
  kill(getpid(), signal);
  for (int i = 0; i < 1000 && !stop_requested(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

// In separate processes, because changes to signal handling persist.
class StopRequestsTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_P(StopRequestsTest, ASignalAsksForAStop) {
  EXPECT_EXIT(
      {
        take_stop_requests();
        const bool before = stop_requested();
        ask_and_wait(GetParam());
        _exit(!before && stop_requested() ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST_P(StopRequestsTest, ASecondOneEndsTheProcess) {
  EXPECT_EXIT(
      {
        take_stop_requests();
        ask_and_wait(GetParam());
        kill(getpid(), GetParam());
        std::this_thread::sleep_for(std::chrono::seconds(10));
        _exit(0);
      },
      testing::KilledBySignal(GetParam()), "");
}

// A frame on the stack of a thread in the middle of a matrix product would overwrite the heap (stop_requests.h).
TEST_P(StopRequestsTest, NoHandlerRuns) {
  EXPECT_EXIT(
      {
        take_stop_requests();
        struct sigaction action {};
        sigaction(GetParam(), nullptr, &action);
        sigset_t blocked;
        pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
        _exit(action.sa_handler == SIG_DFL && sigismember(&blocked, GetParam()) == 1 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

INSTANTIATE_TEST_SUITE_P(, StopRequestsTest, testing::Values(SIGINT, SIGTERM),
                         [](const auto& signal) { return signal.param == SIGINT ? "SIGINT" : "SIGTERM"; });

}  // namespace
}  // namespace minissl
