#include "data/prefetcher.h"

#include <gtest/gtest.h>

#include "tests/few_threads.h"

namespace minissl {
namespace {

TEST(Prefetcher, WorkersThatCannotBeStartedAreAnError) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        allow_threads(4);
        try {
          Prefetcher<int> prefetcher(
              100, 2,
              [] {
                return std::optional(Prefetcher<int>::Opened{0, 1});
              },
              [](int&, int64_t) {});
        } catch (const Error& e) {
          fmt::print(stderr, "{}\n", e.what());
          _exit(1);
        }
        _exit(0);
      },
      testing::ExitedWithCode(1), "can't start a thread to load images: Resource temporarily unavailable");
}

}  // namespace
}  // namespace minissl
