#include "tests/cuda/simulator/simulator.h"

#include <gtest/gtest.h>
#include <stdexcept>

#include "tensor/cuda/device.h"
#include "tensor/tensor.h"
#include "tests/cuda/gpu.h"
#include "tests/cuda/simulator/block.h"
#include "tests/cuda/simulator/cuda_runtime.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

using simulator::Block, simulator::Order;

TEST(Simulator, ThreadsWaitForEachOther) {
  for (const bool backward : {false, true}) {
    Block block;
    int arrived = 0, early = 0;
    block.run(70, backward, [&] {
      ++arrived;
      block.wait_for_block();
      early += arrived < 70;
      block.wait_for_block();
      ++arrived;
    });
    EXPECT_EQ(arrived, 140);
    EXPECT_EQ(early, 0);
  }
}

TEST(Simulator, ThreadsOfAWarpExchange) {
  Block block;
  std::vector<uint64_t> got(70);
  block.run(70, false, [&] {
    const unsigned t = threadIdx.x;
    const uint64_t first = block.exchange_in_warp(t, t % 32 + 1);
    got[t] = block.exchange_in_warp(10 * first, t % 32);
  });
  for (unsigned t = 0; t < 70; ++t)
    if (t % 32 < 31 && t < 69) {
      EXPECT_EQ(got[t], 10 * (t + 1));
    }
}

TEST(Simulator, DeadlocksAreNoticed) {
  Block block;
  EXPECT_THROW(block.run(2, false, [&] { threadIdx.x ? block.wait_for_block() : void(block.exchange_in_warp(0, 0)); }),
               std::logic_error);
}

TEST(Simulator, MemoryRunsOutAndCachedMemoryIsGivenBack) {
  allocator(gpu).release_cached();
  Tensor::empty({int64_t{8} << 20}, DType::f32, gpu);  // 32 MiB are cached from now on
  const cuda::DeviceProperties p = cuda::properties(gpu);
  simulator::set_memory(static_cast<size_t>(p.memory - p.free_memory + (8 << 20)));
  EXPECT_NO_THROW(Tensor::empty({int64_t{9} << 20}, DType::f32, gpu));
  EXPECT_THROW(Tensor::empty({int64_t{11} << 20}, DType::f32, gpu), OutOfMemory);
  simulator::set_memory(size_t{64} << 30);
}

TEST(Simulator, GrownMemoryIsGivenBack) {
  if (sanitized) GTEST_SKIP() << "each tensor is a block of its own";
  const int64_t before = cuda::properties(gpu).free_memory;
  const auto source = cuda::memory_source(gpu);
  std::byte* begin = source->take(3 << 20);  // 4 MiB, by the granularity
  EXPECT_TRUE(source->extend(begin + (3 << 20), 1 << 20));
  EXPECT_EQ(cuda::properties(gpu).free_memory, before - (4 << 20));
  EXPECT_TRUE(source->extend(begin + (4 << 20), 1 << 20));
  EXPECT_EQ(cuda::properties(gpu).free_memory, before - (6 << 20));
  source->give_back(begin, 5 << 20);
  EXPECT_EQ(cuda::properties(gpu).free_memory, before);
}

TEST(Simulator, SegmentsStayAsTheyAreWithoutVirtualMemoryManagement) {
  simulator::support_virtual_memory(false);
  const auto source = cuda::memory_source(gpu);
  simulator::support_virtual_memory(true);
  std::byte* begin = source->take(2 << 20);
  ASSERT_NE(begin, nullptr);
  EXPECT_FALSE(source->extend(begin + (2 << 20), 2 << 20));
  source->give_back(begin, 2 << 20);
}

TEST(Simulator, TensorsGoFromOneGpuToTheOther) {
  const Device other{DeviceType::cuda, 1};
  const Tensor t = Tensor::full({7}, 3, DType::f32, gpu).to(other);
  EXPECT_EQ(t.device(), other);
  EXPECT_EQ(t.to_vector(), std::vector<double>(7, 3));
}

using AnyOrder = testing::TestWithParam<Sample>;

// A kernel with a missing synchronisation gives different results.
TEST_P(AnyOrder, OfThreadsGivesTheSameBits) {
  const auto in = [&](Order order) {
    simulator::set_order(order);
    Tensors inputs, outputs;
    for (const Tensor& t : draw(GetParam(), DType::f32)) inputs.push_back(t.to(gpu));
    for (const Tensor& t : run(GetParam(), inputs)) outputs.push_back(t.to(Device{}));
    simulator::set_order(Order::forward);
    return outputs;
  };
  const Tensors forward = in(Order::forward), backward = in(Order::backward);
  for (size_t i = 0; i < forward.size(); ++i) EXPECT_TRUE(same_bits(forward[i], backward[i])) << "output " << i;
}

INSTANTIATE_TEST_SUITE_P(, AnyOrder, testing::ValuesIn(all_samples()),
                         [](const auto& info) { return full_name(info.param); });

}  // namespace
}  // namespace minissl::samples
