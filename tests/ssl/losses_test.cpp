#include "ssl/parts/losses.h"

#include <gtest/gtest.h>
#include <mutex>

#include "autograd/gradient_check.h"
#include "tests/ssl/random_tensor.h"
#include "tests/thread_group.h"

namespace minissl {
namespace {

TEST(Losses, InfoNceByItsFormula) {
  const Tensor q = Tensor::from<double>({2, 2}, std::vector<double>{0.6, 0.8, 1, 0});
  const Tensor k = Tensor::from<double>({2, 2}, std::vector<double>{0.8, 0.6, 0, 1});
  const Tensor negatives = Tensor::from<double>({3, 2}, std::vector<double>{1, 0, -0.6, 0.8, 0, -1});
  const double logits[2][4] = {{0.96, 0.6, 0.28, -0.8}, {0, 1, -0.6, 0}};
  const InfoNce result = info_nce(q, k, negatives, 0.2);
  double expected = 0;
  for (int64_t n = 0; n < 2; ++n) {
    double sum = 0;
    for (const double logit : logits[n]) sum += std::exp(logit / 0.2);
    expected -= std::log(std::exp(logits[n][0] / 0.2) / sum) / 2;
    EXPECT_NEAR(result.positive.at(n), logits[n][0], 1e-12);
    EXPECT_NEAR(result.log_sum_exp.at(n), std::log(sum), 1e-12);
  }
  EXPECT_NEAR(result.loss.value().item(), expected, 1e-12);
}

// Logits would take 16 MiB, and so would their gradient.
TEST(Losses, InfoNceHoldsNoLogits) {
  constexpr int64_t rows = 64, keys = 65536;
  const Variable q = Variable::leaf(random_tensor({rows, 8}, 1));
  const Tensor k = random_tensor({rows, 8}, 2), queue = random_tensor({keys, 8}, 3);
  const int64_t before = allocator().usage().live;
  allocator().reset_peak();
  const InfoNce result = info_nce(q, k, queue, 0.2);
  backward(result.loss);
  EXPECT_LT(allocator().usage().peak - before, rows * keys * 4 / 8);
}

TEST(Losses, InfoNceOfNonFiniteInputsIsNotFinite) {
  for (const double value : {static_cast<double>(NAN), static_cast<double>(INFINITY)})
    for (int64_t spoilt = 0; spoilt < 3; ++spoilt) {
      const Tensor in[] = {random_tensor({3, 8}, 1), random_tensor({3, 8}, 2), random_tensor({5000, 8}, 3)};
      in[spoilt].rows(2, 3).fill(value);
      const InfoNce result = info_nce(in[0], in[1], in[2], 0.2);
      EXPECT_FALSE(std::isfinite(result.loss.value().item())) << spoilt;
      double sum = 0;
      for (const double v : result.log_sum_exp.to_vector()) sum += v;
      EXPECT_FALSE(std::isfinite(sum)) << spoilt;
    }
}

TEST(Losses, VarianceIsZeroWhereTheStdIsLargeEnough) {
  const Tensor wide = Tensor::from<double>({2, 2}, std::vector<double>{-5, 0, 5, 0});
  // Column 0 has std 7.07, column 1 none: its hinge is gamma - sqrt(eps) = 0.99.
  EXPECT_NEAR(variance_loss(wide).value().item(), 0.99 / 2, 1e-12);
}

// z as rows of doubles, to spell out formulas.
struct Rows {
  explicit Rows(const Tensor& t) : values(t.to_vector()), n(t.dim(0)), d(t.dim(1)) {}
  double at(int64_t row, int64_t column) const { return values[static_cast<size_t>(row * d + column)]; }
  std::vector<double> values;
  int64_t n, d;
};

double covariance(const Rows& a, int64_t i, const Rows& b, int64_t j) {
  double mean_a = 0, mean_b = 0, sum = 0;
  for (int64_t n = 0; n < a.n; ++n) mean_a += a.at(n, i), mean_b += b.at(n, j);
  for (int64_t n = 0; n < a.n; ++n)
    sum += (a.at(n, i) - mean_a / static_cast<double>(a.n)) * (b.at(n, j) - mean_b / static_cast<double>(a.n));
  return sum / static_cast<double>(a.n - 1);
}

TEST(Losses, NtXentByItsFormula) {
  const Tensor z1 = random_tensor({3, 4}, 1, DType::f64), z2 = random_tensor({3, 4}, 2, DType::f64);
  const Rows views[] = {Rows(z1), Rows(z2)};
  double expected = 0;
  for (int64_t i = 0; i < 6; ++i) {
    double sum = 0, positive = 0;
    for (int64_t k = 0; k < 6; ++k) {
      if (k == i) continue;
      double dot = 0;
      for (int64_t d = 0; d < 4; ++d) dot += views[i / 3].at(i % 3, d) * views[k / 3].at(k % 3, d);
      sum += std::exp(dot / 0.5);
      if (k % 3 == i % 3) positive = dot / 0.5;
    }
    expected += (std::log(sum) - positive) / 6;
  }
  EXPECT_NEAR(nt_xent(z1, z2, 0.5).value().item(), expected, 1e-12);
}

TEST(Losses, RedundancyReductionByItsFormula) {
  const Tensor z1 = random_tensor({5, 3}, 1, DType::f64), z2 = random_tensor({5, 3}, 2, DType::f64);
  const Rows a(z1), b(z2);
  double on = 0, off = 0;
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t j = 0; j < 3; ++j) {
      const double std_a = std::sqrt(covariance(a, i, a, i)) + 1e-6, std_b = std::sqrt(covariance(b, j, b, j)) + 1e-6;
      const double c = covariance(a, i, b, j) * 4 / 5 / (std_a * std_b);
      (i == j ? on : off) += i == j ? (c - 1) * (c - 1) : c * c;
    }
  const RedundancyReduction result = redundancy_reduction(z1, z2, 0.1);
  EXPECT_NEAR(result.on_diag.item(), on, 1e-12);
  EXPECT_NEAR(result.off_diag.item(), off, 1e-12);
  EXPECT_NEAR(result.loss.value().item(), on + 0.1 * off, 1e-12);
}

// At 8192 dimensions the correlation matrix is 256 MiB; a second one of its size would show.
TEST(Losses, RedundancyReductionHoldsOneMatrixOfItsSizeTwoWithItsGradient) {
  constexpr int64_t dim = 512, matrix_bytes = dim * dim * 4;
  const Variable z1 = Variable::leaf(random_tensor({4, dim}, 1)), z2 = Variable::leaf(random_tensor({4, dim}, 2));
  const int64_t before = allocator().usage().live;
  const auto peak = [&] { return allocator().usage().peak - before; };
  allocator().reset_peak();
  const RedundancyReduction result = redundancy_reduction(z1, z2, 0.1);
  EXPECT_GE(peak(), matrix_bytes);
  EXPECT_LT(peak(), matrix_bytes * 5 / 4);
  backward(result.loss);
  EXPECT_LT(peak(), matrix_bytes * 9 / 4);
}

TEST(Losses, CovarianceByItsFormula) {
  const Tensor z = random_tensor({5, 3}, 1, DType::f64);
  const Rows rows(z);
  double expected = 0;
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t j = 0; j < 3; ++j)
      if (i != j) expected += std::pow(covariance(rows, i, rows, j), 2) / 3;
  EXPECT_NEAR(covariance_loss(z).value().item(), expected, 1e-12);
}

TEST(Losses, NegativeCosineByItsFormula) {
  const Tensor p = Tensor::from<double>({2, 2}, std::vector<double>{3, 4, 1, 0});
  const Tensor z = Tensor::from<double>({2, 2}, std::vector<double>{4, 3, 0, 2});
  EXPECT_NEAR(negative_cosine(p, z).value().item(), -0.48, 1e-12);
}

TEST(Losses, GradientsOfTheJointEmbeddingLosses) {
  using Form = std::function<Variable(const std::vector<Variable>&)>;
  const std::vector<std::pair<const char*, Form>> forms{
      {"nt_xent", [](const auto& v) { return nt_xent(v[0], v[1], 0.5); }},
      {"redundancy_reduction", [](const auto& v) { return redundancy_reduction(v[0], v[1], 0.1).loss; }},
      {"covariance", [](const auto& v) { return covariance_loss(v[0]) + covariance_loss(v[1]); }},
      {"negative_cosine", [](const auto& v) { return negative_cosine(v[0], v[1]); }}};
  for (const auto& [name, form] : forms) {
    const GradientCheck check = gradient_check(
        form, {random_tensor({5, 3}, 1, DType::f64), random_tensor({5, 3}, 2, DType::f64)}, {true, true});
    EXPECT_LT(check.worst, 1e-7) << name << ": " << check.where;
    EXPECT_EQ(check.compared, 30) << name;
  }
}

TEST(Losses, GradientOfVariance) {
  const Tensor z = random_tensor({6, 4}, 3, DType::f64);
  for (int64_t i = 0; i < z.numel(); ++i) z.mutable_data<double>()[i] *= 0.3;  // below gamma: the hinge is open
  const GradientCheck check =
      gradient_check([](const std::vector<Variable>& v) { return variance_loss(v[0]); }, {z}, {true});
  EXPECT_LT(check.worst, 1e-8) << check.where;
}

// Two processes with half of the batch each: the same loss on both, and, summed over both and divided by two as the
// step does, the gradient of the whole batch's loss.
TEST(Losses, OfABatchThatIsSharedAreThoseOfTheWholeBatch) {
  const std::pair<const char*, std::function<Variable(const Variable&, const Variable&)>> losses[] = {
      {"nt_xent", [](const Variable& a, const Variable& b) { return nt_xent(normalize(a), normalize(b), 0.2); }},
      {"redundancy_reduction",
       [](const Variable& a, const Variable& b) { return redundancy_reduction(a, b, 0.01).loss; }},
      {"variance", [](const Variable& a, const Variable& b) { return variance_loss(a) + variance_loss(b); }},
      {"covariance", [](const Variable& a, const Variable& b) { return covariance_loss(a) + covariance_loss(b); }},
      {"negative_cosine", [](const Variable& a, const Variable& b) { return negative_cosine(a, b); }}};
  const Tensor z1 = random_tensor({6, 4}, 1, DType::f64), z2 = random_tensor({6, 4}, 2, DType::f64);
  for (const auto& [name, loss] : losses) {
    const Variable whole1 = Variable::leaf(z1), whole2 = Variable::leaf(z2);
    const Variable expected = loss(whole1, whole2);
    backward(expected);
    double mean_loss = 0;
    std::mutex mutex;
    ThreadGroup::run(2, [&, &loss = loss, &name = name](int rank) {
      const Variable a = Variable::leaf(z1.rows(3 * rank, 3 * rank + 3).clone()),
                     b = Variable::leaf(z2.rows(3 * rank, 3 * rank + 3).clone());
      const Variable own = loss(a, b);
      backward(own);
      const std::lock_guard lock(mutex);
      mean_loss += own.value().item() / 2;
      for (int64_t i = 0; i < 12; ++i) {
        EXPECT_NEAR(a.grad().at(i) / 2, whole1.grad().at(12 * rank + i), 1e-12) << name;
        EXPECT_NEAR(b.grad().at(i) / 2, whole2.grad().at(12 * rank + i), 1e-12) << name;
      }
    });
    EXPECT_NEAR(mean_loss, expected.value().item(), 1e-12) << name;
  }
}

}  // namespace
}  // namespace minissl
