#include <cmath>
#include <gtest/gtest.h>

#include "autograd/functions.h"
#include "autograd/gradient_check.h"
#include "tensor/ops/gather.h"
#include "tensor/random.h"

/// Batch normalisation of the visible positions of masked images, as SparK (Tian et al. 2023) needs it. (Its gradient
/// is checked by finite differences in tests/samples/batch_norm.cpp.)
namespace minissl {
namespace {

const Shape images{2, 3, 4, 5};
constexpr int64_t positions = 24, channels = 5;
const std::vector<int64_t> visible{1, 2, 5, 9, 12, 17, 20, 23};

Tensor index() { return Tensor::from({static_cast<int64_t>(visible.size())}, visible); }
bool is_visible(int64_t position) { return std::count(visible.begin(), visible.end(), position) > 0; }

Tensor normal(const Shape& shape, uint64_t seed) {
  const Random random(seed, RandomSite::test);
  const Tensor t = Tensor::empty(shape, DType::f64);
  for (int64_t i = 0; i < t.numel(); ++i)
    t.mutable_data<double>()[i] = static_cast<double>(random.normal(static_cast<uint32_t>(i)));
  return t;
}

struct Masked {
  Variable x = Variable::leaf(normal(images, 1)), weight = Variable::leaf(normal({channels}, 2)),
           bias = Variable::leaf(normal({channels}, 3));
  BatchNormResult normalized = batch_norm(x, weight, bias, {.positions = index()});
};

TEST(MaskedBatchNorm, IsZeroWhereNothingIsVisible) {
  const Masked masked;
  EXPECT_EQ(masked.normalized.y.shape(), images);
  EXPECT_EQ(masked.normalized.count, static_cast<int64_t>(visible.size()));
  for (int64_t p = 0; p < positions; ++p)
    for (int64_t c = 0; c < channels; ++c)
      EXPECT_EQ(masked.normalized.y.value().at(p * channels + c) != 0, is_visible(p)) << p;
}

TEST(MaskedBatchNorm, IsGatherThenBatchNormThenScatter) {
  const Masked masked;
  const Variable rows = gather_rows(view(masked.x, {positions, channels}), index());
  const BatchNormResult alone = batch_norm(rows, masked.weight, masked.bias);
  const Tensor composed = scatter_rows(alone.y, index(), positions).value();
  EXPECT_EQ(masked.normalized.y.value().to_vector(), composed.to_vector());
  EXPECT_EQ(masked.normalized.mean.to_vector(), alone.mean.to_vector());
  EXPECT_EQ(masked.normalized.variance.to_vector(), alone.variance.to_vector());
}

TEST(MaskedBatchNorm, IgnoresMaskedPositions) {
  const Masked masked;
  const Tensor hidden = masked.x.value().clone();
  for (int64_t p = 0; p < positions; ++p)
    if (!is_visible(p)) hidden.slice(p * channels, {channels}).fill(NAN);
  const BatchNormResult same = batch_norm(hidden, masked.weight.value(), masked.bias.value(), {.positions = index()});
  EXPECT_EQ(same.y.value().to_vector(), masked.normalized.y.value().to_vector());

  backward(masked.normalized.y, normal(images, 4));
  for (int64_t p = 0; p < positions; ++p)
    for (int64_t c = 0; c < channels; ++c) EXPECT_EQ(masked.x.grad().at(p * channels + c) != 0, is_visible(p)) << p;
}

TEST(MaskedBatchNorm, GradientAgreesWithFiniteDifferences) {
  const GradientCheck check = gradient_check(
      [](const std::vector<Variable>& in) {
        return batch_norm(in[0], in[1], in[2], {.residual = in[3], .positions = index()}).y;
      },
      {normal(images, 1), normal({channels}, 2), normal({channels}, 3), normal(images, 4)}, {true, true, true, true});
  EXPECT_LE(check.worst, 1e-7) << check.where;
}

TEST(MaskedBatchNorm, OverAllPositionsIsThatOfTheImages) {
  const Masked masked;
  std::vector<int64_t> all(positions);
  for (int64_t p = 0; p < positions; ++p) all[static_cast<size_t>(p)] = p;
  const Tensor weight = masked.weight.value(), bias = masked.bias.value();
  EXPECT_EQ(batch_norm(masked.x, weight, bias, {.positions = Tensor::from({positions}, all)}).y.value().to_vector(),
            batch_norm(masked.x, weight, bias).y.value().to_vector());
}

// Gathering no rows gives an empty tensor, and scattering none gives zeros.
TEST(Gather, TakesNoRows) {
  const Variable x = Variable::leaf(normal({4, 3}, 1));
  const Tensor none = Tensor::empty({0}, DType::i64);
  const Variable nothing = gather_rows(x, none);
  EXPECT_EQ(nothing.shape(), (Shape{0, 3}));
  const Variable zeros = scatter_rows(nothing, none, 2);
  EXPECT_EQ(zeros.value().to_vector(), std::vector<double>(6));
  backward(zeros, normal({2, 3}, 2));
  EXPECT_EQ(x.grad().to_vector(), std::vector<double>(12));
}

}  // namespace
}  // namespace minissl
