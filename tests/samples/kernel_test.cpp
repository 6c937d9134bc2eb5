#include <cmath>
#include <gtest/gtest.h>

#include "tensor/operation.h"
#include "tensor/parallel.h"
#include "tests/samples/registry.h"

/// Properties of every operation's kernels.
namespace minissl::samples {
namespace {

class Kernel : public testing::TestWithParam<Sample> {
 protected:
  ~Kernel() override { set_threads(initial_threads_); }
  const Sample& sample() const { return GetParam(); }

  void expect_near(const Tensors& actual, const Tensors& expected, double tolerance, const char* what) {
    ASSERT_EQ(actual.size(), expected.size());
    double worst = 0;
    for (size_t i = 0; i < actual.size(); ++i) {
      const double error = relative_error(actual[i], expected[i]);
      worst = std::max(worst, error);
      EXPECT_LE(error, tolerance) << what << ", output " << i << " (" << sample().tolerance.reason << ")";
    }
    RecordProperty(what, fmt::format("{:.2e} of {:.2e}", worst, tolerance));
  }

 private:
  int initial_threads_ = threads();
};

Tensors run_reference(const Sample& sample, DType type) {
  const ReferenceScope reference;
  return run(sample, draw(sample, type));
}

TEST_P(Kernel, AgreesWithReference) {
  const Tensors fast = run(sample(), draw(sample(), DType::f32));
  const Tensors reference = run_reference(sample(), DType::f32), truth = run_reference(sample(), DType::f64);
  const double tolerance = sample().tolerance.relative;
  expect_near(fast, truth, tolerance, "fast_against_float64");
  expect_near(reference, truth, tolerance, "reference_against_float64");
  expect_near(fast, reference, 2 * tolerance, "fast_against_reference");  // the errors may have opposite signs
}

TEST_P(Kernel, SameBitsTwice) {
  const Tensors first = run(sample(), draw(sample(), DType::f32)), second = run(sample(), draw(sample(), DType::f32));
  for (size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(same_bits(first[i], second[i])) << "output " << i;
}

TEST_P(Kernel, SameBitsForAnyNumberOfThreads) {
  const auto on = [&](int count) {
    set_threads(count);
    return run(sample(), draw(sample(), DType::f32));
  };
  const Tensors one = on(1);
  for (const int count : {2, 3, 8}) {
    const Tensors many = on(count);
    for (size_t i = 0; i < one.size(); ++i)
      EXPECT_TRUE(same_bits(one[i], many[i]))
          << "output " << i << " on " << count << " threads differs by " << relative_error(many[i], one[i]);
  }
}

TEST_P(Kernel, WritesItsOutputsAndNothingElse) {
  MemoryChecks::enable(true);
  MemoryChecks::take_violations();
  {
    const Tensors before = draw(sample(), DType::f32), inputs = draw(sample(), DType::f32);
    const Tensors outputs = run(sample(), inputs);
    for (size_t i = 0; i < outputs.size(); ++i)
      for (const double value : outputs[i].to_vector())
        if (!std::isfinite(value)) {
          ADD_FAILURE() << "output " << i << " has an element that is " << value;
          break;
        }
    for (size_t i = 0; i < inputs.size(); ++i)
      EXPECT_TRUE(sample().in_place || same_bits(before[i], inputs[i])) << "input " << i << " was changed";
  }
  MemoryChecks::enable(false);
  EXPECT_EQ(MemoryChecks::take_violations(), 0) << "blocks were written to beyond their ends";
}

TEST_P(Kernel, TakesViewsAtOddElements) {
  std::vector<UnalignedView> views;
  Tensors inputs;
  for (const Tensor& t : draw(sample(), DType::f32)) inputs.push_back(views.emplace_back(t).view);
  expect_near(run(sample(), inputs), run_reference(sample(), DType::f64), sample().tolerance.relative,
              "unaligned_against_float64");
  for (const UnalignedView& v : views) EXPECT_TRUE(v.surroundings_untouched());
}

INSTANTIATE_TEST_SUITE_P(, Kernel, testing::ValuesIn(all_samples()),
                         [](const auto& info) { return full_name(info.param); });

}  // namespace
}  // namespace minissl::samples
