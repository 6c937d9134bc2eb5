#include "tensor/cuda/graph.h"

#include "tensor/ops/update.h"
#include "tensor/tensor.h"
#include "tests/cuda/gpu.h"

/// CUDA graphs of tensor operations.
namespace minissl {
namespace {

class GraphOnGpu : public testing::Test {
 protected:
  void SetUp() override { MINISSL_NEEDS_GPU(); }

  // The message of the Error thrown by recording `work`.
  static std::string error_of(const std::function<void()>& work) {
    GraphMemory memory(gpu);
    try {
      const cuda::Graph graph(memory, work);
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  }
};

TEST_F(GraphOnGpu, DoesNothingWhenRecordedAndTheSameAtEveryLaunch) {
  const Tensor sum = Tensor::zeros({1000}, DType::f32, gpu), one = Tensor::full({1000}, 1, DType::f32, gpu);
  GraphMemory memory(gpu);
  int calls = 0;
  const cuda::Graph graph(memory, [&] {
    ++calls;
    const Tensor twice = one.clone();
    run(ops::Accumulate{twice, one});
    run(ops::Accumulate{sum, twice});
  });
  EXPECT_FALSE(cuda::Graph::recording());
  EXPECT_EQ(sum.at(999), 0);
  for (const double expected : {2, 4, 6}) {
    graph.launch();
    EXPECT_EQ(sum.to_vector(), std::vector<double>(1000, expected));
  }
  one.fill(10);
  graph.launch();
  EXPECT_EQ(sum.at(0), 26);
  EXPECT_EQ(calls, 1);
}

TEST_F(GraphOnGpu, ReadsNumbersWhenItIsLaunched) {
  const Tensor target = Tensor::zeros({7}, DType::f32, gpu), source = Tensor::full({7}, 8, DType::f32, gpu);
  const Tensor momentum = Tensor::full({1}, 0.5, DType::f64, gpu);
  GraphMemory memory(gpu);
  const cuda::Graph graph(memory, [&] { run(ops::Ema{target, source, momentum}); });
  graph.launch();
  EXPECT_EQ(target.at(6), 4);
  momentum.fill(0.25);
  graph.launch();
  EXPECT_EQ(target.at(6), 7);
}

TEST_F(GraphOnGpu, KeepsItsMemoryToItself) {
  const int64_t before = allocator(gpu).usage().live;
  {
    const Tensor in = Tensor::full({3000}, 3, DType::f32, gpu), out = Tensor::zeros({3000}, DType::f32, gpu);
    GraphMemory memory(gpu);
    const std::byte* inside = nullptr;
    const cuda::Graph graph(memory, [&] {
      const Tensor copy = in.clone();
      inside = copy.bytes_begin();
      out.copy_from(copy);
    });
    std::vector<Tensor> others;
    for (int i = 0; i < 100; ++i) {
      others.push_back(Tensor::full({3000}, 5, DType::f32, gpu));
      EXPECT_NE(others.back().bytes_begin(), inside);
    }
    graph.launch();
    EXPECT_EQ(out.at(2999), 3);
    for (const Tensor& t : others) EXPECT_EQ(t.to_vector(), std::vector<double>(3000, 5));
    // A second graph may use it, because it is launched after the first.
    const cuda::Graph second(memory, [&] { EXPECT_EQ(in.clone().bytes_begin(), inside); });
  }
  EXPECT_EQ(allocator(gpu).usage().live, before);
}

TEST_F(GraphOnGpu, WhatCannotBeRepeatedIsAnError) {
  const Tensor there = Tensor::zeros({5}, DType::f32, gpu), here = Tensor::zeros({5});
  Tensor left;
  EXPECT_NE(error_of([&] { there.copy_from(here); }).find("from the host"), std::string::npos);
  EXPECT_NE(error_of([&] { there.at(0); }).find("can't wait"), std::string::npos);
  EXPECT_NE(error_of([&] { left = there.clone(); }).find("leaves 64 B"), std::string::npos);
  // The device still works as before.
  EXPECT_FALSE(cuda::Graph::recording());
  there.copy_from(Tensor::full({5}, 2));
  EXPECT_EQ(there.at(4), 2);
}

}  // namespace
}  // namespace minissl
