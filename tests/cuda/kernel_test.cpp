#include <cmath>

#include "tensor/operation.h"
#include "tests/cuda/gpu.h"
#include "tests/samples/registry.h"

/// Properties of every operation's CUDA kernels.
namespace minissl::samples {
namespace {

class CudaKernel : public testing::TestWithParam<Sample> {
 protected:
  void SetUp() override { MINISSL_NEEDS_GPU(); }
  const Sample& sample() const { return GetParam(); }
};

Tensors on(const Tensors& tensors, Device device) {
  Tensors moved;
  for (const Tensor& t : tensors) moved.push_back(t.to(device));
  return moved;
}

Tensors run_on_gpu(const Sample& sample, DType type) { return on(run(sample, on(draw(sample, type), gpu)), Device{}); }

TEST_P(CudaKernel, AgreesWithReference) {
  const Tensors actual = run_on_gpu(sample(), DType::f32), twice = run_on_gpu(sample(), DType::f32);
  const ReferenceScope reference;
  const Tensors truth = run(sample(), draw(sample(), DType::f64));
  ASSERT_EQ(actual.size(), truth.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    const double error = relative_error(actual[i], truth[i]);
    EXPECT_LE(error, sample().tolerance.relative) << "output " << i << " (" << sample().tolerance.reason << ")";
    RecordProperty(fmt::format("output_{}", i), fmt::format("{:.2e} of {:.2e}", error, sample().tolerance.relative));
    EXPECT_TRUE(same_bits(actual[i], twice[i])) << "output " << i << " has other bits the second time";
  }
}

TEST_P(CudaKernel, InFloat64IsTheReference) {
  const Tensors actual = run_on_gpu(sample(), DType::f64), truth = run(sample(), draw(sample(), DType::f64));
  for (size_t i = 0; i < actual.size(); ++i) EXPECT_LE(relative_error(actual[i], truth[i]), 1e-10) << "output " << i;
}

TEST_P(CudaKernel, WritesItsOutputsAndNothingElse) {
  MemoryChecks::enable(true);
  MemoryChecks::take_violations();
  {
    const Tensors before = draw(sample(), DType::f32), inputs = on(before, gpu);
    const Tensors outputs = run(sample(), inputs);
    for (size_t i = 0; i < outputs.size(); ++i)
      for (const double value : outputs[i].to_vector())
        if (!std::isfinite(value)) {
          ADD_FAILURE() << "output " << i << " has an element that is " << value;
          break;
        }
    const Tensors after = on(inputs, Device{});
    for (size_t i = 0; i < inputs.size(); ++i)
      EXPECT_TRUE(sample().in_place || same_bits(before[i], after[i])) << "input " << i << " was changed";
  }
  MemoryChecks::enable(false);
  EXPECT_EQ(MemoryChecks::take_violations(), 0) << "blocks were written to beyond their ends";
}

TEST_P(CudaKernel, LetsNaNThrough) {
  if (sample().function.empty()) return;
  const Tensors inputs = draw(sample(), DType::f32);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!is_floating(inputs[i].dtype())) continue;
    Tensors poisoned = on(inputs, gpu);
    poisoned[i].fill(NAN);
    const std::vector<double> values = run(sample(), poisoned)[0].to_vector();
    EXPECT_TRUE(std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) << "input " << i;
  }
}

TEST_P(CudaKernel, GradientAgreesWithTheCpu) {
  if (!sample().form) return;
  const Tensors actual = gradients(sample(), on(draw(sample(), DType::f32), gpu), sample().differentiable);
  const Tensors expected = gradients(sample(), draw(sample(), DType::f64), sample().differentiable);
  for (size_t i = 0; i < actual.size(); ++i) {
    if (!sample().differentiable[i]) continue;
    EXPECT_LE(relative_error(actual[i], expected[i]), sample().gradient_tolerance.relative)
        << "input " << i << " (" << sample().gradient_tolerance.reason << ")";
  }
}

INSTANTIATE_TEST_SUITE_P(, CudaKernel, testing::ValuesIn(all_samples()),
                         [](const auto& info) { return full_name(info.param); });

}  // namespace
}  // namespace minissl::samples
