#include "tensor/parallel.h"

#include <gtest/gtest.h>
#include <new>

namespace minissl {
namespace {

TEST(Parallel, AnExceptionOfOnePartReachesTheCallerAndTheOtherPartsAreDone) {
  const int before = threads();
  set_threads(4);
  std::atomic<int> done{0};
  EXPECT_THROW(for_parts(4, 1,
                         [&](int64_t, int64_t begin, int64_t) {
                           if (begin == 2) throw std::bad_alloc();
                           ++done;
                         }),
               std::bad_alloc);
  EXPECT_EQ(done, 3);
  set_threads(before);
}

class ThreadTeamTest : public testing::Test {
 protected:
  ~ThreadTeamTest() override { set_threads(before_); }

 private:
  int before_ = threads();
};

TEST_F(ThreadTeamTest, EveryElementIsComputedOnceAndNoSlotTwiceAtATime) {
  for (const int count : {1, 2, 3, 8}) {
    set_threads(count);
    for (const int64_t n : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> computed(static_cast<size_t>(n)), busy(static_cast<size_t>(count));
      for (int repeat = 0; repeat < 50; ++repeat)
        for_parts(n, 1, [&](int64_t slot, int64_t begin, int64_t end) {
          ASSERT_LT(slot, std::min<int64_t>(n, count));
          EXPECT_EQ(busy[static_cast<size_t>(slot)]++, 0);
          for (int64_t i = begin; i < end; ++i) ++computed[static_cast<size_t>(i)];
          --busy[static_cast<size_t>(slot)];
        });
      for (const auto& times : computed) EXPECT_EQ(times, 50);
    }
  }
}

TEST_F(ThreadTeamTest, FewerPartsThanThreadsAreDoneByThoseThatCome) {
  set_threads(8);
  std::atomic<int> parts{0};
  for (int i = 0; i < 2000; ++i)
    parallel_for(2, 1, [&](int64_t begin, int64_t end) { parts += static_cast<int>(end - begin); });
  EXPECT_EQ(parts, 4000);
}

TEST_F(ThreadTeamTest, APartHasNoTeamOfItsOwn) {
  set_threads(3);
  std::atomic<int> inner{0};
  parallel_for(6, 1, [&](int64_t, int64_t) {
    EXPECT_EQ(threads(), 1);
    parallel_for(100, 1, [&](int64_t begin, int64_t end) { inner += static_cast<int>(end - begin); });
  });
  EXPECT_EQ(inner, 600);
  EXPECT_EQ(threads(), 3);
}

TEST_F(ThreadTeamTest, SeveralCallersAtOnceEachGetTheirWorkDone) {
  set_threads(2);
  std::atomic<int> done{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      for (int i = 0; i < 200; ++i)
        parallel_for(10, 1, [&](int64_t begin, int64_t end) { done += static_cast<int>(end - begin); });
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(done, 4 * 200 * 10);
}

}  // namespace
}  // namespace minissl
