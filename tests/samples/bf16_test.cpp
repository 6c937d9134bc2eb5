#include "tensor/bf16.h"

#include <gtest/gtest.h>
#include <set>

#include "tensor/operation.h"
#include "tests/samples/registry.h"

/// Operations that the policy of tensor/bf16.h runs in bf16 agree with float64 on the same numbers.
namespace minissl::samples {
namespace {

// Arithmetic is in f32, so an output's only further error is its own rounding: to 8 bits, half of the last one.
constexpr double bf16_rounding = 0x1p-8;
double allowance(const Tensor& output, const Tolerance& in_f32) {
  return in_f32.relative + (output.dtype() == DType::bf16 ? bf16_rounding : 0);
}

std::vector<Sample> bf16_samples(bool with_form) {
  std::vector<Sample> chosen;
  for (const Sample& s : all_samples())
    if (!s.bf16.empty() && (!with_form || s.form)) chosen.push_back(s);
  return chosen;
}

// The same numbers in f64, which holds them all.
Tensors in_f64(Tensors tensors) {
  for (Tensor& t : tensors)
    if (is_floating(t.dtype())) t = t.to(DType::f64);
  return tensors;
}

class Bf16 : public testing::TestWithParam<Sample> {
 protected:
  const Sample& sample() const { return GetParam(); }
};
using Bf16Gradient = Bf16;

TEST_P(Bf16, AgreesWithFloat64) {
  const Tensors actual = run(sample(), draw_bf16(sample()));
  const ReferenceScope reference;
  const Tensors expected = run(sample(), in_f64(draw_bf16(sample())));
  for (size_t i = 0; i < actual.size(); ++i) {
    const double tolerance = allowance(actual[i], sample().tolerance);
    EXPECT_LE(relative_error(actual[i], expected[i]), tolerance) << "output " << i << ", " << actual[i].str();
  }
}

TEST_P(Bf16, ChangesNoInput) {
  const Tensors before = draw_bf16(sample()), inputs = draw_bf16(sample());
  run(sample(), inputs);
  for (size_t i = 0; i < inputs.size(); ++i)
    EXPECT_TRUE(sample().in_place || same_bits(before[i], inputs[i])) << "input " << i;
}

TEST_P(Bf16Gradient, AgreesWithFloat64AndHasItsInputsTypes) {
  const Tensors inputs = draw_bf16(sample());
  const Tensors actual = gradients(sample(), inputs, sample().differentiable, DType::bf16);
  const Tensors expected = gradients(sample(), in_f64(inputs), sample().differentiable, DType::bf16);
  for (size_t i = 0; i < actual.size(); ++i) {
    if (!sample().differentiable[i]) continue;
    EXPECT_EQ(actual[i].dtype(), inputs[i].dtype()) << "input " << i;
    EXPECT_LE(relative_error(actual[i], expected[i]), allowance(actual[i], sample().gradient_tolerance))
        << "input " << i << ", " << actual[i].str();
  }
}

const auto name_of_sample = [](const auto& info) { return full_name(info.param); };
INSTANTIATE_TEST_SUITE_P(, Bf16, testing::ValuesIn(bf16_samples(false)), name_of_sample);
INSTANTIATE_TEST_SUITE_P(, Bf16Gradient, testing::ValuesIn(bf16_samples(true)), name_of_sample);

TEST(Bf16Policy, IsWhatTheSamplesRunInBf16) {
  std::set<std::string> ran, ruled;
  for (const Sample& s : bf16_samples(false)) {
    const Tensors inputs = draw_bf16(s);
    if (inputs[0].numel() > 1000) continue;
    Profile profile;
    run(s, inputs);
    if (s.form) gradients(s, inputs, s.differentiable);
    for (const Profile::Event& e : profile.events())
      if (e.shapes.find("bf16") != std::string::npos) ran.insert(e.operation);
  }
  for (const Bf16Rule& rule : bf16_policy) EXPECT_TRUE(ruled.insert(std::string(rule.operation)).second);
  EXPECT_EQ(ran, ruled);
}

TEST(Bf16Policy, RefusesTheRestByName) {
  int refused = 0;
  for (const Sample& s : all_samples()) {
    if (!s.small || !s.bf16.empty()) continue;
    const Tensors inputs = draw(s, DType::bf16);
    Profile profile;
    try {
      run(s, inputs);
    } catch (const Error& e) {
      refused += std::string(e.what()).find("by the policy of tensor/bf16.h") != std::string::npos;
      continue;
    }
    // Operations that only move elements take any type.
    for (const Profile::Event& e : profile.events()) {
      const bool moves = std::string_view(e.operation) == "concat_rows" || std::string_view(e.operation) == "transpose";
      EXPECT_TRUE(e.shapes.find("bf16") == std::string::npos || runs_in_bf16(e.operation) || moves)
          << full_name(s) << " ran " << e.operation << " in bf16";
    }
  }
  EXPECT_GT(refused, 40);
}

}  // namespace
}  // namespace minissl::samples
