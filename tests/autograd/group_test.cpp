#include "tensor/group.h"

#include <gtest/gtest.h>

#include "autograd/functions.h"
#include "autograd/gradient_check.h"
#include "tensor/dry_run.h"
#include "tensor/ops/matmul.h"
#include "tensor/profile.h"
#include "tensor/random.h"
#include "tests/thread_group.h"

/// Several ranks, as threads, compute the same as one rank with the whole batch.
namespace minissl {
namespace {

Tensor normal(const Shape& shape, uint64_t seed, double mean = 0) {
  const Random random(seed, RandomSite::test);
  const Tensor t = Tensor::empty(shape, DType::f64);
  for (int64_t i = 0; i < t.numel(); ++i)
    t.mutable_data<double>()[i] = mean + static_cast<double>(random.normal(static_cast<uint32_t>(i)));
  return t;
}

// A rank's part of a batch.
Tensor part(const Tensor& t, int rank, int size) {
  const int64_t rows = t.dim(0) / size;
  return t.rows(rank * rows, (rank + 1) * rows);
}

void expect_near(const Tensor& actual, const Tensor& expected, const char* what) {
  ASSERT_EQ(actual.shape(), expected.shape()) << what;
  for (int64_t i = 0; i < actual.numel(); ++i) ASSERT_NEAR(actual.at(i), expected.at(i), 1e-12) << what << ", " << i;
}

TEST(Group, OfOneDoesNothing) {
  Group& group = Group::current();
  EXPECT_EQ(&group, &Group::single());
  EXPECT_EQ(group.rank(), 0);
  EXPECT_EQ(group.size(), 1);
  const Tensor x = normal({3, 2}, 1);
  Profile profile;
  const uint64_t version = x.storage()->version();
  group.all_sum(x);
  EXPECT_EQ(group.all_gather_rows(x).storage(), x.storage());
  const Variable leaf = Variable::leaf(x);
  EXPECT_EQ(all_sum(leaf).node(), leaf.node());
  EXPECT_EQ(all_gather_rows(leaf).node(), leaf.node());
  EXPECT_EQ(x.storage()->version(), version);
  EXPECT_TRUE(profile.events().empty());
}

TEST(Group, ScopesNestAndBelongToTheirThread) {
  ThreadGroup::run(2, [](int rank) {
    Group& group = Group::current();
    EXPECT_EQ(group.rank(), rank);
    EXPECT_EQ(group.size(), 2);
    {
      const GroupScope alone(Group::single());
      EXPECT_EQ(Group::current().size(), 1);
    }
    EXPECT_EQ(&Group::current(), &group);
  });
  EXPECT_EQ(Group::current().size(), 1);
}

TEST(Group, SumsAndGathersOverRanks) {
  ThreadGroup::run(3, [](int rank) {
    const Tensor x = Tensor::full({2}, rank + 1);
    Group::current().all_sum(x);
    EXPECT_EQ(x.to_vector(), (std::vector<double>{6, 6}));
    const Tensor rows = Tensor::full({1, 2}, 10 * rank);
    const Tensor all = Group::current().all_gather_rows(rows);
    EXPECT_EQ(all.shape(), (Shape{3, 2}));
    EXPECT_EQ(all.to_vector(), (std::vector<double>{0, 0, 10, 10, 20, 20}));
  });
}

TEST(Group, CommunicatesNothingInADryRun) {
  ThreadGroup::run(2, [](int rank) {
    if (rank == 1) return;  // the other would wait for it forever
    const DryRun dry_run;
    const Variable x = Variable::leaf(Tensor::zeros({4, 3}));
    backward(sum(all_gather_rows(all_sum(x))));
    ASSERT_EQ(dry_run.events().front().operation, std::string("all_sum"));
  });
}

TEST(Group, SaysWhenARankFails) {
  EXPECT_THROW(ThreadGroup::run(2,
                                [](int rank) {
                                  require(rank == 0, "rank 1 fails");
                                  Group::current().all_sum(Tensor::zeros({1}));
                                }),
               Error);
}

// The loss of rank r is the sum of c_r * y over all of y, and the gradients are those of the sum of both losses.
class Collective : public testing::TestWithParam<int> {
 protected:
  int size() const { return GetParam(); }
};

TEST_P(Collective, AllSumHasTheGradientOfTheSumOfLosses) {
  ThreadGroup::run(size(), [&](int rank) {
    const auto of_rank = [](int r) { return normal({2, 3}, 10 + static_cast<uint64_t>(r)); };
    const Variable x = Variable::leaf(normal({2, 3}, static_cast<uint64_t>(rank)));
    const Variable y = all_sum(x);
    const Tensor total = Tensor::zeros({2, 3}, DType::f64), gradient = Tensor::zeros({2, 3}, DType::f64);
    for (int r = 0; r < size(); ++r)
      for (int64_t i = 0; i < 6; ++i) {
        total.mutable_data<double>()[i] += normal({2, 3}, static_cast<uint64_t>(r)).at(i);
        gradient.mutable_data<double>()[i] += of_rank(r).at(i);
      }
    expect_near(y.value(), total, "sum");
    backward(y, of_rank(rank));
    expect_near(x.grad(), gradient, "gradient");
    expect_near(x.value(), normal({2, 3}, static_cast<uint64_t>(rank)), "input");
  });
}

// As in SimCLR: every rank multiplies its rows by all rows. The losses of all ranks add up to that of the whole batch.
TEST_P(Collective, AllGatherRowsHasTheGradientOfTheSumOfLosses) {
  const Tensor whole = normal({6, 4}, 1), weights = normal({6, 6}, 2);
  const Variable x = Variable::leaf(whole);
  const Variable loss = sum(square(matmul(x, x, {.a = false, .b = true})) * Variable(weights));
  backward(loss);
  ThreadGroup::run(size(), [&](int rank) {
    const Variable own = Variable::leaf(part(whole, rank, size()).clone());
    const Variable products = matmul(own, all_gather_rows(own), {.a = false, .b = true});
    const Variable own_loss = sum(square(products) * Variable(part(weights, rank, size()).clone()));
    backward(own_loss);
    const Tensor gradient = part(x.grad(), rank, size());
    for (int64_t i = 0; i < gradient.numel(); ++i) ASSERT_NEAR(own.grad().at(i), gradient.at(i), 1e-11);
    const Tensor sum_of_losses = own_loss.value().clone();
    Group::current().all_sum(sum_of_losses);
    EXPECT_NEAR(sum_of_losses.item(), loss.value().item(), 1e-10);
  });
}

struct BatchNormGradients {
  BatchNormResult result;
  Tensor dx, dweight, dbias, dresidual;
};

BatchNormGradients batch_norm_gradients(const Tensor& x, const Tensor& residual, const Tensor& dy, bool relu) {
  const Variable leaf_x = Variable::leaf(x), weight = Variable::leaf(normal({3}, 7, 1)),
                 bias = Variable::leaf(normal({3}, 8)), leaf_residual = Variable::leaf(residual);
  BatchNormOptions options{.relu = relu};
  if (relu) options.residual = leaf_residual;
  const BatchNormResult result = batch_norm(leaf_x, weight, bias, options);
  backward(result.y, dy);
  return {result, leaf_x.grad(), weight.grad(), bias.grad(), relu ? leaf_residual.grad() : Tensor()};
}

TEST_P(Collective, BatchNormIsThatOfTheWholeBatch) {
  // Far from zero, where sums of squares would cancel; the parts' means differ.
  const Tensor x = normal({6, 2, 2, 3}, 1, 100), residual = normal(x.shape(), 2), dy = normal(x.shape(), 3);
  for (int64_t i = 0; i < x.numel(); ++i) x.mutable_data<double>()[i] += static_cast<double>(i) / 16;
  for (const bool relu : {false, true}) {
    const BatchNormGradients whole = batch_norm_gradients(x, residual, dy, relu);
    ThreadGroup::run(size(), [&](int rank) {
      const auto own = [&](const Tensor& t) { return part(t, rank, size()).clone(); };
      const BatchNormGradients of = batch_norm_gradients(own(x), own(residual), own(dy), relu);
      expect_near(of.result.y.value(), own(whole.result.y.value()), "y");
      expect_near(of.result.mean, whole.result.mean, "mean");
      expect_near(of.result.variance, whole.result.variance, "variance");
      EXPECT_EQ(of.result.count, whole.result.count);
      expect_near(of.dx, own(whole.dx), "dx");
      if (relu) expect_near(of.dresidual, own(whole.dresidual), "dresidual");
      // Gradients of parameters are this rank's part of the batch's; the step's all-reduce sums them.
      Group::current().all_sum(of.dweight);
      Group::current().all_sum(of.dbias);
      expect_near(of.dweight, whole.dweight, "dweight");
      expect_near(of.dbias, whole.dbias, "dbias");
    });
  }
}

// One element per channel and rank has a variance over all ranks.
TEST_P(Collective, BatchNormTakesOneElementPerRank) {
  const Tensor x = normal({size(), 3}, 1);
  const Tensor expected = batch_norm(x, normal({3}, 7), normal({3}, 8)).y.value();
  ThreadGroup::run(size(), [&](int rank) {
    const Tensor own = part(x, rank, size());
    expect_near(batch_norm(own, normal({3}, 7), normal({3}, 8)).y.value(), part(expected, rank, size()), "y");
  });
}

TEST_P(Collective, BatchNormInGroupsOfImagesCombinesEachGroup) {
  const Tensor first = normal({6, 2, 3}, 1), second = normal({6, 2, 3}, 2, 5);
  const Tensor weight = normal({3}, 7), bias = normal({3}, 8);
  const Tensor y1 = batch_norm(first, weight, bias).y.value(), y2 = batch_norm(second, weight, bias).y.value();
  ThreadGroup::run(size(), [&](int rank) {
    const Tensor both =
        concat_rows(part(first, rank, size()).view({6 / size(), 6}), part(second, rank, size()).view({6 / size(), 6}))
            .value();
    const Tensor y = batch_norm(both.view({12 / size(), 2, 3}), weight, bias, {.groups = 2}).y.value();
    expect_near(part(y, 0, 2), part(y1, rank, size()), "first group");
    expect_near(part(y, 1, 2), part(y2, rank, size()), "second group");
  });
}

INSTANTIATE_TEST_SUITE_P(, Collective, testing::Values(2, 3),
                         [](const auto& info) { return fmt::format("of{}", info.param); });

}  // namespace
}  // namespace minissl
