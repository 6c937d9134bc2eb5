#include "tensor/caching_allocator.h"
#include "tensor/dry_run.h"
#include "tensor/tensor.h"
#include "tests/cuda/gpu.h"

/// Tensors on a GPU behave like tensors.
namespace minissl {
namespace {

class OnGpu : public testing::Test {
 protected:
  void SetUp() override { MINISSL_NEEDS_GPU(); }
};

std::vector<double> numbers(int64_t count) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<double>(i % 250));
  return values;
}

TEST_F(OnGpu, TensorsGoThereAndBack) {
  for (const int64_t count : {0, 1, 7, 70001}) {
    const Tensor t = Tensor::from({count}, numbers(count));
    const Tensor there = t.to(gpu);
    EXPECT_EQ(there.device(), gpu);
    EXPECT_EQ(there.to(gpu).storage(), there.storage());
    EXPECT_EQ(there.clone().to_vector(), numbers(count));
  }
}

TEST_F(OnGpu, ElementTypesAreConverted) {
  const Tensor numbers = Tensor::from<double>({5}, std::vector<double>{0, 1, 2.5, 3, 200});
  for (const DType from : {DType::f32, DType::f64, DType::bf16, DType::i64, DType::u8})
    for (const DType to : {DType::f32, DType::f64, DType::bf16, DType::i64, DType::u8}) {
      const Tensor source = numbers.to(from), expected = source.to(to);
      EXPECT_EQ(source.to(gpu).to(to).to_vector(), expected.to_vector()) << name_of(from) << " to " << name_of(to);
      const Tensor across = Tensor::empty({5}, to, gpu);
      across.copy_from(source);
      EXPECT_EQ(across.to_vector(), expected.to_vector()) << name_of(from) << " to " << name_of(to);
    }
}

TEST_F(OnGpu, TensorsAreFilledAndRead) {
  EXPECT_EQ(Tensor::zeros({3}, DType::f32, gpu).to_vector(), std::vector<double>(3));
  EXPECT_EQ(Tensor::full({}, 2.5, DType::bf16, gpu).item(), 2.5);
  const Tensor t = Tensor::from({300}, numbers(300)).to(gpu).view({3, 100});
  EXPECT_EQ(t.at(205), 205);
  EXPECT_EQ(t.rows(1, 2).at(0), 100);
  t.slice(7, {2}).fill(-1);
  EXPECT_EQ(t.slice(6, {4}).to_vector(), (std::vector<double>{6, -1, -1, 9}));
}

TEST_F(OnGpu, TheHostCannotReadDeviceMemory) {
  const Tensor there = Tensor::zeros({2}, DType::f32, gpu), here = Tensor::zeros({2});
  EXPECT_THROW(there.data<float>(), Error);
  EXPECT_THROW(here.data<float>(DeviceType::cuda), Error);
}

TEST_F(OnGpu, MemoryIsCountedAndReused) {
  allocator(gpu).reset_peak();
  const int64_t before = allocator(gpu).usage().live;
  const std::byte* first = nullptr;
  {
    const TagScope tag(MemoryTag::queue);
    const Tensor t = Tensor::empty({1000}, DType::f32, gpu);
    first = t.bytes_begin();
    EXPECT_EQ(allocator(gpu).usage().live, before + 4032);
    EXPECT_GE(allocator(gpu).usage().live_by_tag[static_cast<size_t>(MemoryTag::queue)], 4032);
  }
  EXPECT_EQ(Tensor::empty({1000}, DType::f32, gpu).bytes_begin(), first);
  EXPECT_EQ(allocator(gpu).usage().live, before);
}

TEST_F(OnGpu, SegmentsGrowInPlace) {
  constexpr size_t mib = size_t{1} << 20;
  const auto source = cuda::memory_source(gpu);
  std::byte *first = source->take(2 * mib), *second = source->take(2 * mib);
  ASSERT_TRUE(first && second);
  if (!source->extend(first + 2 * mib, 4 * mib)) GTEST_SKIP() << "no virtual memory management";
  source->fill(first, std::byte{7}, 6 * mib);
  source->fill(second, std::byte{8}, 2 * mib);
  EXPECT_TRUE(source->holds(first, std::byte{7}, 6 * mib));
  EXPECT_TRUE(source->extend(first + 6 * mib, mib));
  EXPECT_FALSE(source->extend(first + 7 * mib, size_t{1} << 50));
  source->give_back(first, 7 * mib);
  EXPECT_TRUE(source->holds(second, std::byte{8}, 2 * mib));
  source->give_back(second, 2 * mib);
}

TEST_F(OnGpu, MemoryIsReservedAsADryRunPredicts) {
  if (sanitized) GTEST_SKIP();
  const auto reserved = [](Allocator& memory) {
    std::vector<std::byte*> blocks;
    for (size_t i = 0; i < 40; ++i) {
      blocks.push_back(memory.allocate((i * 7919 % 97 + 1) << (10 + i % 8), MemoryTag::workspace));
      if (i % 3 == 2) memory.deallocate(std::exchange(blocks[i / 2], memory.allocate(64, MemoryTag::workspace)));
    }
    const int64_t bytes = memory.usage().reserved;
    for (std::byte* block : blocks) memory.deallocate(block);
    memory.release_cached();
    EXPECT_EQ(memory.usage().reserved, 0);
    return bytes;
  };
  CachingAllocator actual("a GPU", cuda::memory_source(gpu));
  DryRun dry_run(gpu);
  EXPECT_EQ(reserved(actual), reserved(dry_run.allocator()));
}

TEST_F(OnGpu, WhatDoesNotFitIsAnError) {
  try {
    Tensor::empty({int64_t{1} << 50}, DType::f32, gpu);
    FAIL() << "4 PiB were had";
  } catch (const OutOfMemory& e) {
    EXPECT_NE(std::string(e.what()).find("out of memory on cuda:0"), std::string::npos) << e.what();
  }
}

TEST(NoGpu, IsOneClearError) {
  const Device beyond{DeviceType::cuda, cuda::device_count()};
  try {
    Tensor::empty({1}, DType::f32, beyond);
    FAIL() << beyond.str() << " is there";
  } catch (const Error& e) {
    const std::string message = e.what();
    EXPECT_NE(message.find(cuda::device_count() == 0 ? cuda::why_none() : beyond.str()), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace minissl
