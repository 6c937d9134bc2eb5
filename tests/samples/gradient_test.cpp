#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "autograd/gradient_check.h"
#include "tensor/operation.h"
#include "tests/samples/registry.h"

/// Properties of every differentiable function.
namespace minissl::samples {
namespace {

class Gradient : public testing::TestWithParam<Sample> {
 protected:
  const Sample& sample() const { return GetParam(); }
  Tensors all(DType type) const { return gradients(sample(), draw(sample(), type), sample().differentiable); }
};

std::vector<Sample> differentiable_samples() {
  std::vector<Sample> with_form;
  for (const Sample& s : all_samples())
    if (s.form) with_form.push_back(s);
  return with_form;
}

std::vector<Sample> small_samples() {
  std::vector<Sample> small;
  for (const Sample& s : differentiable_samples())
    if (s.small) small.push_back(s);
  return small;
}

std::vector<Sample> function_samples() {
  std::vector<Sample> functions;
  for (const Sample& s : all_samples())
    if (!s.function.empty()) functions.push_back(s);
  return functions;
}

using Function = Gradient;
using FiniteDifferences = Gradient;

// A NaN must reach the loss to be noticed.
TEST_P(Function, LetsNaNThrough) {
  const auto has_nan = [](const Tensor& t) {
    const std::vector<double> values = t.to_vector();
    return std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); });
  };
  const size_t count = draw(sample(), DType::f32).size();
  for (size_t i = 0; i < count; ++i) {
    const Tensors inputs = draw(sample(), DType::f32);
    if (!is_floating(inputs[i].dtype())) continue;
    inputs[i].fill(NAN);
    EXPECT_TRUE(has_nan(run(sample(), inputs)[0])) << "input " << i;
    const ReferenceScope reference;
    EXPECT_TRUE(has_nan(run(sample(), inputs)[0])) << "input " << i << ", reference";
  }
}

// With a step of 1e-6, differences of float64 numbers are good to ten digits, and the third derivative adds less.
TEST_P(FiniteDifferences, AgreeWithGradient) {
  const GradientCheck check = gradient_check(sample().form, draw(sample(), DType::f64), sample().differentiable);
  EXPECT_LE(check.worst, 1e-7) << check.where;
  int64_t elements = 0;
  const Tensors inputs = draw(sample(), DType::f64);
  for (size_t i = 0; i < inputs.size(); ++i) elements += sample().differentiable[i] ? inputs[i].numel() : 0;
  EXPECT_EQ(check.compared, elements);
  RecordProperty("worst", fmt::format("{:.2e}", check.worst));
}

TEST_P(Gradient, InFloat32AgreesWithFloat64) {
  const Tensors actual = all(DType::f32), expected = all(DType::f64);
  for (size_t i = 0; i < actual.size(); ++i) {
    if (!sample().differentiable[i]) continue;
    const double error = relative_error(actual[i], expected[i]), tolerance = sample().gradient_tolerance.relative;
    EXPECT_LE(error, tolerance) << "input " << i << " (" << sample().gradient_tolerance.reason << ")";
    RecordProperty(fmt::format("input_{}", i), fmt::format("{:.2e} of {:.2e}", error, tolerance));
  }
}

TEST_P(Gradient, IsTheSameForOneInputAlone) {
  const Tensors inputs = draw(sample(), DType::f32), together = all(DType::f32);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!sample().differentiable[i]) continue;
    std::vector<bool> wanted(inputs.size());
    wanted[i] = true;
    EXPECT_TRUE(same_bits(gradients(sample(), inputs, wanted)[i], together[i])) << "input " << i;
  }
}

// Any input that a derivative reads may have been freed after the forward pass and recomputed.
TEST_P(Gradient, IsTheSameWhenInputsAreRecomputed) {
  int made_again = 0;
  Sample remaking = sample();
  remaking.form = [&](const Variables& in) {
    Variables copies;
    for (const Variable& x : in) {
      if (!x.requires_grad()) {
        copies.push_back(x);
        continue;
      }
      Variable copy = record("copy", {x}, x.value().clone(), {},
                             [](const Tensor& dy, const BackwardContext&) { return Tensors{dy}; });
      copy.recompute_by(Recompute::each_use, {x}, [&](const Tensors& from) {
        ++made_again;
        return from[0].clone();
      });
      copies.push_back(std::move(copy));
    }
    return sample().form(copies);
  };
  const Tensors expected = all(DType::f32);
  const Tensors actual = gradients(remaking, draw(sample(), DType::f32), sample().differentiable);
  for (size_t i = 0; i < actual.size(); ++i)
    EXPECT_TRUE(!sample().differentiable[i] || same_bits(actual[i], expected[i])) << "input " << i;
  RecordProperty("made_again", made_again);
}

// A derivative reads only saved tensors: after a write to an input, its result is unchanged or it throws.
TEST_P(Gradient, NoticesChangedInputs) {
  const Tensors expected = all(DType::f32);
  for (size_t changed = 0; changed < expected.size(); ++changed) {
    Sample changing = sample();
    changing.form = [&](const Variables& in) {
      Variable y = sample().form(in);
      if (is_floating(in[changed].value().dtype())) in[changed].value().fill(0.25);
      return y;
    };
    try {
      const Tensors actual = gradients(changing, draw(sample(), DType::f32), sample().differentiable);
      for (size_t i = 0; i < actual.size(); ++i)
        EXPECT_TRUE(!sample().differentiable[i] || same_bits(actual[i], expected[i]))
            << "input " << changed << " was changed unnoticed, the gradient of input " << i << " is wrong";
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("was changed in place"), std::string::npos) << e.what();
    }
  }
}

const auto name_of_sample = [](const auto& info) { return full_name(info.param); };
INSTANTIATE_TEST_SUITE_P(, Function, testing::ValuesIn(function_samples()), name_of_sample);
INSTANTIATE_TEST_SUITE_P(Gradient, FiniteDifferences, testing::ValuesIn(small_samples()), name_of_sample);
INSTANTIATE_TEST_SUITE_P(, Gradient, testing::ValuesIn(differentiable_samples()), name_of_sample);

}  // namespace
}  // namespace minissl::samples
