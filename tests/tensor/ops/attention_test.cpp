#include "tensor/ops/attention.h"

#include <cmath>
#include <gtest/gtest.h>

#include "tensor/parallel.h"
#include "tests/samples/sample.h"

/// Attention over more tokens than samples have, because those run on the simulated GPU as well.
namespace minissl::ops {
namespace {

struct Results {
  Tensor y, log_sum_exp, dqkv;
};

Results results(const Tensor& qkv, const Tensor& dy) {
  const double scale = 1 / std::sqrt(static_cast<double>(qkv.dim(4)));
  const auto like = [&](const Shape& shape) { return Tensor::empty(shape, qkv.dtype()); };
  const Attention forward{qkv, {}, like(dy.shape()), like({qkv.dim(0), qkv.dim(3), qkv.dim(1)}), scale};
  run(forward);
  const AttentionGradient gradient{dy, qkv, {}, forward.log_sum_exp, like(qkv.shape()), {}, scale};
  run(gradient);
  return {forward.y, forward.log_sum_exp, gradient.dqkv};
}

TEST(Attention, OfManyTokensAgreesWithFloat64) {
  const auto drawn = [](const Shape& shape) {
    return samples::normal(shape).draw(shape, Random(0, RandomSite::test, 0, 0, static_cast<uint32_t>(shape.numel())));
  };
  for (const int64_t tokens : {191, 192, 193, 385, 1025}) {
    const Tensor qkv = drawn({1, tokens, 3, 2, 64}), dy = drawn({1, tokens, 128});
    const Results expected = results(qkv, dy), actual = results(qkv.to(DType::f32), dy.to(DType::f32));
    // The errors of logits, which exp() makes relative, and of sums over the tokens.
    const double tolerance = 4 * samples::sum_of(64).relative + samples::sum_of(tokens).relative;
    EXPECT_LE(samples::relative_error(actual.y, expected.y), tolerance) << tokens;
    EXPECT_LE(samples::relative_error(actual.log_sum_exp, expected.log_sum_exp), tolerance) << tokens;
    EXPECT_LE(samples::relative_error(actual.dqkv, expected.dqkv), tolerance) << tokens;
  }
}

// The logits of one thread's heads alone would be larger.
TEST(Attention, TakesMemoryForABlockOfLogits) {
  const int64_t tokens = 1025;
  const DryRun dry_run;
  const Tensor qkv = Tensor::empty({8, tokens, 3, 6, 64}), y = Tensor::empty({8, tokens, 384});
  const Tensor log_sum_exp = Tensor::empty({8, 6, tokens});
  const int64_t logits_of_a_head = tokens * tokens * static_cast<int64_t>(sizeof(float));
  EXPECT_LT(workspace_bytes(Cpu{}, Attention{qkv, {}, y, log_sum_exp, 1}), threads() * logits_of_a_head / 4);
  EXPECT_LT(workspace_bytes(Cpu{}, AttentionGradient{y, qkv, {}, log_sum_exp, qkv, {}, 1}),
            threads() * logits_of_a_head / 2);
}

TEST(Attention, OfLogitsThatOverflowExpIsFinite) {
  const Tensor qkv = Tensor::full({1, 300, 3, 1, 16}, 30);
  const Results r = results(qkv, Tensor::full({1, 300, 16}, 1));
  for (const Tensor& t : {r.y, r.dqkv})
    for (const double value : t.to_vector()) ASSERT_TRUE(std::isfinite(value));
  EXPECT_NEAR(r.y.at(0), 30, 1e-4);
  EXPECT_NEAR(r.log_sum_exp.at(0), 30 * 30 * 16 / 4.0 + std::log(300), 1e-3);
}

}  // namespace
}  // namespace minissl::ops
