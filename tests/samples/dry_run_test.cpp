#include "tensor/dry_run.h"

#include <gtest/gtest.h>

#include "tensor/memory_source.h"
#include "tests/samples/registry.h"

/// A dry run of any operation or derivative takes the same memory as the real run, to the byte: kernels declare their
/// own allocations (workspace_bytes in tensor/operation.h), and nothing reads elements that don't exist.
namespace minissl::samples {
namespace {

using DryRunOf = testing::TestWithParam<Sample>;

// Peak use during f() above the use before it.
template <class F>
int64_t peak_of(F&& f) {
  allocator().reset_peak();
  const int64_t before = allocator().usage().live;
  f();
  return allocator().usage().peak - before;
}

template <class F>
void expect_same_peak(F&& f) {
  if (sanitized) GTEST_SKIP();
  f();  // fills the caches
  const int64_t real = peak_of(f);
  const DryRun dry_run;
  EXPECT_EQ(peak_of(f), real);
}

void expect_same_peak_of_gradient(const Sample& sample, const Tensors& inputs) {
  const auto [shape, dtype] = [&] {
    const Tensor out = sample.form(Variables(inputs.begin(), inputs.end())).value();
    return std::pair(out.shape(), out.dtype());
  }();
  expect_same_peak([&, shape = shape, dtype = dtype] {
    Variables leaves;
    for (size_t i = 0; i < inputs.size(); ++i)
      leaves.push_back(sample.differentiable[i] ? Variable::leaf(inputs[i]) : Variable(inputs[i]));
    backward(sample.form(leaves), Tensor::zeros(shape, dtype));
  });
}

TEST_P(DryRunOf, TakesTheMemoryOfTheOperation) {
  const Tensors inputs = draw(GetParam(), DType::f32);
  expect_same_peak([&] { run(GetParam(), inputs); });
}

TEST_P(DryRunOf, TakesTheMemoryOfItsGradient) {
  if (GetParam().form) expect_same_peak_of_gradient(GetParam(), draw(GetParam(), DType::f32));
}

// Including copies in f32.
TEST_P(DryRunOf, TakesTheMemoryInBf16) {
  if (GetParam().bf16.empty()) return;
  const Tensors inputs = draw_bf16(GetParam());
  expect_same_peak([&] { run(GetParam(), inputs); });
  if (GetParam().form) expect_same_peak_of_gradient(GetParam(), inputs);
}

INSTANTIATE_TEST_SUITE_P(, DryRunOf, testing::ValuesIn(all_samples()),
                         [](const auto& info) { return full_name(info.param); });

TEST(DryRun, LargeTensorsHaveNoElementsAndSmallOnesAreZero) {
  const DryRun dry_run;
  const Tensor large = Tensor::empty({1 << 20}), small = Tensor::empty({3});
  EXPECT_THROW(large.data<float>(), Error);
  EXPECT_THROW(large.at(0), Error);
  large.fill(1);
  large.copy_from(Tensor::zeros({1 << 20}));
  EXPECT_EQ(small.to_vector(), std::vector<double>(3));
  EXPECT_EQ(dry_run.usage().peak, (8 << 20) + 64);
}

TEST(DryRun, TakesNothingFromTheSystem) {
  const int64_t before = allocator().usage().reserved;
  {
    const DryRun dry_run;
    const Tensor huge = Tensor::zeros({int64_t{1} << 41});
    EXPECT_EQ(allocator().usage().live, int64_t{1} << 43);
  }
  EXPECT_EQ(allocator().usage().reserved, before);
}

}  // namespace
}  // namespace minissl::samples
