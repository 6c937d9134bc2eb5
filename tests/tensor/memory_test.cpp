#include "tensor/memory.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include "tensor/random.h"
#include "tensor/tensor.h"

namespace minissl {
namespace {

size_t index(MemoryTag tag) { return static_cast<size_t>(tag); }

TEST(Memory, EveryByteHasATag) {
  const MemoryUsage before = allocator().usage();
  Tensor queue;
  {
    TagScope tag(MemoryTag::queue);
    queue = Tensor::empty({1000}, DType::f32);
  }
  const MemoryUsage during = allocator().usage();
  const auto queue_bytes = [](const MemoryUsage& u) { return u.live_by_tag[index(MemoryTag::queue)]; };
  EXPECT_EQ(during.live - before.live, 4032);  // rounded up to 64
  EXPECT_EQ(queue_bytes(during) - queue_bytes(before), 4032);
  queue.storage()->retag(MemoryTag::saved);
  EXPECT_EQ(queue_bytes(allocator().usage()), queue_bytes(before));
  queue = {};
  EXPECT_EQ(allocator().usage().live, before.live);
}

TEST(Memory, PeakIsTheMostSinceReset) {
  allocator().reset_peak();
  const int64_t live = allocator().usage().live;
  { const Tensor a = Tensor::empty({1 << 20}), b = Tensor::empty({1 << 20}); }
  { const Tensor c = Tensor::empty({1 << 20}); }
  EXPECT_EQ(allocator().usage().peak - live, 8 << 20);
  allocator().reset_peak();
  EXPECT_EQ(allocator().usage().peak, live);
}

TEST(Memory, FreedBlocksAreReusedAndMerged) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers get a block of the system's for every tensor";
#endif
  // Random sizes, small and large, and lifetimes, repeated identically: after the first round nothing more is reserved.
  const auto round = [] {
    std::vector<Tensor> live;
    const Random random(1, RandomSite::test);
    for (uint32_t i = 0; i < 2000; ++i) {
      if (live.size() > 40) live.erase(live.begin() + random.below(2 * i, 40));
      live.push_back(Tensor::empty({1 + random.below(2 * i + 1, 1000000)}));
    }
  };
  round();
  const int64_t reserved = allocator().usage().reserved;
  for (int i = 0; i < 3; ++i) round();
  EXPECT_EQ(allocator().usage().reserved, reserved);
  // Everything is free, so the parts have merged again: one block as large as all of them fits without growing.
  const Tensor large = Tensor::empty({(32 << 20) / 4});
  EXPECT_EQ(allocator().usage().reserved, reserved);
}

// Random sizes and lifetimes, the same in every call; everything is freed at the end.
void some_work() {
  std::vector<Tensor> live;
  const Random random(2, RandomSite::test);
  for (uint32_t i = 0; i < 500; ++i) {
    if (live.size() > 20) live.erase(live.begin() + random.below(2 * i, 20));
    live.push_back(Tensor::empty({1 + random.below(2 * i + 1, 1000000)}));
  }
}

TEST(Memory, ARecordingTakesNoMoreThanTheSameWork) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers get a block of the system's for every tensor";
#endif
  some_work();
  const MemoryUsage before = allocator().usage();
  allocator().begin_recording({});
  some_work();
  Allocator::Recorded first = allocator().end_recording();
  EXPECT_EQ(first.left, 0);
  allocator().begin_recording(first.held);
  some_work();
  const Allocator::Recorded second = allocator().end_recording();
  const MemoryUsage after = allocator().usage();
  EXPECT_EQ(after.reserved, before.reserved);
  EXPECT_EQ(after.peak, before.peak);
  EXPECT_EQ(after.live, before.live);
  allocator().release(second.held);
  some_work();
  EXPECT_EQ(allocator().usage().reserved, before.reserved);
}

TEST(Memory, ARecordingKeepsItsMemory) {
  some_work();
  allocator().begin_recording({});
  some_work();
  const Allocator::Recorded recorded = allocator().end_recording();
  int64_t held = 0;
  for (const auto& [begin, size] : recorded.held) held += static_cast<int64_t>(size);
  EXPECT_GT(held, 20 * 250000 * 4);
  std::vector<Tensor> others;
  for (uint32_t i = 0; i < 200; ++i)
    others.push_back(Tensor::empty({1 + Random(3, RandomSite::test).below(i, 300000)}));
  for (const Tensor& t : others)
    for (const auto& [begin, size] : recorded.held) {
      const bool apart = t.bytes_begin() + t.numel() * 4 <= begin || begin + size <= t.bytes_begin();
      ASSERT_TRUE(apart);
    }
  allocator().release_cached();  // leaves it where it is
  for (const auto& [begin, size] : recorded.held) std::fill(begin, begin + size, std::byte{1});
  allocator().release(recorded.held);
}

TEST(Memory, ARecordingSaysWhatItLeft) {
  const Tensor earlier = Tensor::empty({100});
  Tensor left;
  allocator().begin_recording({});
  left = Tensor::empty({10});
  Tensor::empty({1000});
  const Allocator::Recorded recorded = allocator().end_recording();
  EXPECT_EQ(recorded.left, 64);
  left = {};
  allocator().release(recorded.held);
}

TEST(Memory, OthersWaitForARecording) {
  std::atomic<bool> recording = true, too_early = false;
  allocator().begin_recording({});
  std::thread other([&] {
    const Tensor t = Tensor::empty({10});
    too_early = recording.load();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  recording = false;
  allocator().release(allocator().end_recording().held);
  other.join();
  EXPECT_FALSE(too_early);
}

TEST(Memory, ChecksFindWritesOutsideAndPoisonTheInside) {
  MemoryChecks::enable(true);
  MemoryChecks::take_violations();
  {
    const Tensor t = Tensor::empty({3});
    EXPECT_TRUE(std::isnan(t.at(0)));
    t.mutable_data<float>()[3] = 1;
  }
  EXPECT_EQ(MemoryChecks::take_violations(), 1);
  { const Tensor t = Tensor::zeros({3}); }
  EXPECT_EQ(MemoryChecks::take_violations(), 0);
  MemoryChecks::enable(false);
}

TEST(Memory, TooMuchIsAnErrorThatNamesTheTag) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers end the process instead";
#endif
  TagScope tag(MemoryTag::queue);
  try {
    Tensor::empty({int64_t{1} << 50});
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("queue"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace minissl
