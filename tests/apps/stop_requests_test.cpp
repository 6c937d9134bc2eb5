#include "apps/stop_requests.h"

#include <chrono>
#include <csignal>
#include <cstring>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

#include "formats/safetensors.h"
#include "tests/apps/small_run.h"
#include "tests/few_threads.h"

namespace minissl {
namespace {

std::string name_of(const testing::TestParamInfo<int>& signal) { return sigabbrev_np(signal.param); }

// In separate processes, because changes to signal handling persist.
class StopRequestsTest : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  static void ask() { kill(getpid(), GetParam()); }
  static void wait_for_request() {
    for (int i = 0; i < 1000 && stop_requested() == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
};

TEST_P(StopRequestsTest, WithinAScopeASignalAsksForAStop) {
  EXPECT_EXIT(
      {
        take_stop_requests();
        const StopScope scope;
        const int before = stop_requested();
        ask();
        wait_for_request();
        try {
          stop_if_requested();
        } catch (const Stopped& stop) {
          _exit(before == 0 && stop.signal() == GetParam() ? 0 : 1);
        }
        _exit(2);
      },
      testing::ExitedWithCode(0), "");
}

TEST_P(StopRequestsTest, OutsideOneItEndsTheProcessWithItsNumber) {
  EXPECT_EXIT(
      {
        take_stop_requests();
        { const StopScope scope; }
        ask();
        std::this_thread::sleep_for(std::chrono::seconds(10));
        _exit(0);
      },
      testing::ExitedWithCode(128 + GetParam()), "stopped by SIG");
}

// A scheduler sends some signals again and again; only somebody at a keyboard is in a hurry.
TEST_P(StopRequestsTest, ASecondOneEndsTheProcessOnlyFromTheKeyboard) {
  EXPECT_EXIT(
      {
        take_stop_requests();
        const StopScope scope;
        ask();
        wait_for_request();
        ask();
        std::this_thread::sleep_for(std::chrono::seconds(1));
        _exit(0);
      },
      testing::ExitedWithCode(GetParam() == SIGINT ? 128 + SIGINT : 0), "");
}

TEST_P(StopRequestsTest, WhatTheCallerIgnoresStaysIgnored) {
  EXPECT_EXIT(
      {
        std::signal(GetParam(), SIG_IGN);
        take_stop_requests();
        ask();
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        _exit(stop_requested());
      },
      testing::ExitedWithCode(0), "");
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

TEST(StopRequests, NeedAThread) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        allow_threads(1);
        try {
          take_stop_requests();
        } catch (const Error& e) {
          fmt::print(stderr, "{}\n", e.what());
          _exit(1);
        }
        _exit(0);
      },
      testing::ExitedWithCode(1), "can't start a thread to wait for signals: ");
}

INSTANTIATE_TEST_SUITE_P(, StopRequestsTest, testing::Values(SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU), name_of);

class StoppedCommandTest : public TemporaryFolder, public testing::WithParamInterface<int> {
 protected:
  CommandResult stopped(const std::string& arguments, const std::string& file, const std::string& text) {
    return command_with_signal(arguments, folder_, sigabbrev_np(GetParam()), folder_ / file, text);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
};

// With one step in an epoch a stop always comes in an epoch's last step: after its work, before the end of the epoch.
TEST_P(StoppedCommandTest, ARunGoesOnAsIfItHadNotBeenStopped) {
  for (const std::string flags :
       {"--epochs 40 --checkpoint-every 1 ", "--data synth:16:32 --epochs 150 --monitor-every 1 "}) {
    const std::string run = tiny_run + flags + "--out ";
    ASSERT_EQ(minissl_command(run + path("whole"), folder_).status, 0);
    const CommandResult result = stopped(run + path("run"), "run/metrics.jsonl", "\"step\":9,");
    ASSERT_EQ(result.status, 128 + GetParam()) << result.err;
    EXPECT_NE(result.err.find("the same command with --resume goes on from there"), std::string::npos) << result.err;
    ASSERT_EQ(minissl_command(run + path("run") + " --resume", folder_).status, 0);
    EXPECT_TRUE(read_file(path("whole/last.safetensors")) == read_file(path("run/last.safetensors")));
    EXPECT_EQ(repeatable_log(folder_ / "whole"), repeatable_log(folder_ / "run"));
    for (const char* name : {"whole", "run"}) std::filesystem::remove_all(folder_ / name);
  }
}

TEST_P(StoppedCommandTest, AnEvaluationAndALookForCollapseStopSoon) {
  const std::string many = "synth:100000:64 ";
  // The run's own, before its first step.
  const CommandResult first =
      stopped(tiny_run + "--epochs 1 --eval-train " + many + "--eval-test synth:30:32 --out " + path("first"),
              "first/metrics.jsonl", "\"monitor\"");
  EXPECT_EQ(first.status, 128 + GetParam()) << first.err;
  EXPECT_NE(first.err.find("stopped before the first step"), std::string::npos) << first.err;
  // And the one at its end: what is done of the epoch is not lost, and the rest is done again.
  const std::string run = tiny_run + "--epochs 1 --out " + path("run") + " ";
  ASSERT_EQ(minissl_command(run + "--steps 2", folder_).status, 0);
  const CommandResult last = stopped(run + "--resume --eval-train " + many + "--eval-test synth:30:32",
                                     "run/metrics.jsonl", "\"monitor\",\"epoch\":1,");
  EXPECT_EQ(last.status, 128 + GetParam()) << last.err;
  ASSERT_EQ(minissl_command(run + "--resume", folder_).status, 0);
  ASSERT_EQ(minissl_command(tiny_run + "--epochs 1 --out " + path("whole"), folder_).status, 0);
  const auto steps_and_looks = [&](const std::string& name) {
    std::string text;
    for (Json event : read_metrics(folder_ / name / "metrics.jsonl"))
      if (!is_event(event, "memory") && !is_event(event, "resume"))
        text += fmt::format("{} {} {}\n", event.at("event").get<std::string>(), number(event, "epoch"),
                            number(event, "loss"));
    return text;
  };
  EXPECT_EQ(steps_and_looks("run"), steps_and_looks("whole"));
  // A command of its own has nothing to save.
  const CommandResult eval =
      stopped("eval knn --weights " + path("whole/backbone.safetensors") + " --train " + many + "--test synth:30:32",
              "stderr.txt", "image");
  EXPECT_EQ(eval.status, 128 + GetParam()) << eval.err;
}

INSTANTIATE_TEST_SUITE_P(, StoppedCommandTest, testing::Values(SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXCPU), name_of);

}  // namespace
}  // namespace minissl
