#include "tensor/parallel.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tensor/error.h"
#include "tensor/memory_source.h"

namespace minissl {
namespace {

TEST(Parallel, AnExceptionOfOnePartReachesTheCallerAndTheOtherPartsAreDone) {
  const int before = threads();
  set_threads(4);
  std::atomic<int> done{0};
  EXPECT_THROW(for_parts(4, 1,
                         [&](int64_t part, int64_t, int64_t) {
                           if (part == 2) throw std::bad_alloc();
                           ++done;
                         }),
               std::bad_alloc);
  EXPECT_EQ(done, 3);
  set_threads(before);
}

// Each thread wants address space for its stack, which this limit does not leave.
[[noreturn]] void set_threads_without_room() {
  const rlimit little{size_t{512} << 20, size_t{512} << 20};
  setrlimit(RLIMIT_AS, &little);
  try {
    set_threads(500);
  } catch (const Error& error) {
    fmt::print(stderr, "{}", error.what());
    _exit(1);
  }
  _exit(0);
}

TEST(ParallelDeathTest, ThreadsThatTheSystemDoesNotGiveAreAnError) {
  if (sanitized) GTEST_SKIP() << "a sanitizer needs more address space than this test leaves";
  EXPECT_EXIT(set_threads_without_room(), testing::ExitedWithCode(1), "`threads` 500: the system gives only");
}

}  // namespace
}  // namespace minissl
