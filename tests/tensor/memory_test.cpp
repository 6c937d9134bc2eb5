#include "tensor/memory.h"

#include <gtest/gtest.h>
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
  // Random sizes, small and large, and lifetimes, the same ones again and again: after the first round nothing more is
  // reserved.
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
