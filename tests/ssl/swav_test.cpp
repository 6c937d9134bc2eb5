#include "ssl/methods/swav.h"

#include <cmath>
#include <gtest/gtest.h>
#include <map>

#include "nn/backbones/resnet.h"
#include "ssl/step/step.h"
#include "tests/ssl/small_step.h"
#include "tests/thread_group.h"

/// What is easy to get wrong in SwAV, mistake by mistake. tests/apps/parity_test.cpp compares whole steps with PyTorch.
namespace minissl {
namespace {

const ResNetConfig tiny_network({.depth = resnet18, .stem = Stem::small, .channels = 1, .width = 8});
const Shape images{4, 12, 12, 1};
constexpr int64_t dim = 6, prototypes = 10;

// The widths of a quick step.
SwAVOptions tiny() {
  SwAVOptions options{.dim = dim, .hidden = 8, .prototypes = prototypes};
  options.crops.local_crops = 3;
  options.crops.local_size = 8;
  options.freeze_prototypes_steps = 0;
  return options;
}

using Rows = std::vector<std::vector<double>>;

Rows rows_of(const Tensor& t) {
  Rows rows;
  const Tensor matrix = t.view({t.shape().leading(1), t.dim(-1)});
  for (int64_t i = 0; i < matrix.dim(0); ++i) rows.push_back(matrix.rows(i, i + 1).to_vector());
  return rows;
}
Tensor state_of(Method& method, const std::string& name) {
  for (const StateEntry& e : method.state())
    if (e.name == name) return e.tensor().clone();
  ADD_FAILURE() << name << " is not there";
  return {};
}
Rows prototypes_of(Method& method) { return rows_of(state_of(method, "prototypes.weight")); }

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// As the paper has it: equal sums of the prototypes, then of the samples; a sample's sum is 1 in the end.
Rows sinkhorn(const Rows& scores, double epsilon, int64_t rounds) {
  Rows q = scores;
  const size_t samples = q.size(), count = q[0].size();
  for (auto& row : q)
    for (double& v : row) v = std::exp(v / epsilon);
  for (int64_t round = 0; round < rounds; ++round) {
    for (size_t k = 0; k < count; ++k) {
      double sum = 0;
      for (const auto& row : q) sum += row[k];
      for (auto& row : q) row[k] /= sum * static_cast<double>(count);
    }
    for (auto& row : q) {
      double sum = 0;
      for (const double v : row) sum += v;
      for (double& v : row) v /= sum * static_cast<double>(samples);
    }
  }
  for (auto& row : q)
    for (double& v : row) v *= static_cast<double>(samples);
  return q;
}

void expect_near(const Rows& actual, const Rows& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    for (size_t k = 0; k < expected[i].size(); ++k)
      EXPECT_NEAR(actual[i][k], expected[i][k], tolerance) << i << ", " << k;
}

// What a batch's loss saw and logged.
struct Seen {
  std::map<std::string, Tensor> log;
  Rows prototypes;
  Tensor queues;  // (2, L, dim), or undefined
  uint64_t form = 0;

  Rows z(int64_t crop) const { return rows_of(log.at("z").rows(crop * images[0], (crop + 1) * images[0])); }
  Rows scores(int64_t crop) const { return rows_of(log.at("scores").rows(crop * images[0], (crop + 1) * images[0])); }
  Rows assigned(int64_t crop) const { return rows_of(log.at("assign").rows(crop, crop + 1)); }
  Rows queue(int64_t crop) const { return rows_of(queues.rows(crop, crop + 1)); }
};

class Steps final : public StepObserver {
 public:
  explicit Steps(SwAV& swav, const StepOptions& options = {}, const OptimizerOptions& optimizer = {})
      : swav_(swav),
        optimizer_(make_optimizer(optimizer, swav.online(), swav.rules())),
        step_(swav, *optimizer_, options) {}
  void run(double lr = 0.01) {
    step_.run(
        {.step = number_++, .total_steps = 10}, optimizer_->constant_rates(lr),
        [&] { return random_batch(swav_, images, batches_++); }, *this);
  }

  std::vector<Seen> batches;  // of all steps
  Tensor gradients;           // of the last step

 private:
  StepLog::Keep keep() const override { return StepLog::Keep::everything; }
  void before_backward(const Variable&, const StepLog& log) override {
    Seen seen;
    seen.prototypes = prototypes_of(swav_);
    seen.form = swav_.form();
    for (const auto& [name, value] : log.tensors()) seen.log[name] = value;
    for (const StateEntry& e : swav_.state())
      if (e.name == "queues") seen.queues = e.tensor().clone();
    batches.push_back(seen);
  }
  void before_update() override { gradients = swav_.online().gradients().clone(); }

  SwAV& swav_;
  std::unique_ptr<Optimizer> optimizer_;
  Step step_;
  int64_t number_ = 0, batches_ = 0;
};

TEST(SwAV, ComputesWithPrototypesOfUnitLengthAndSavesThemAsTheOptimizerLeavesThem) {
  SwAV swav(tiny(), tiny_network, 1);
  for (const StateEntry& e : swav.state())
    if (e.name == "prototypes.weight") e.tensor().copy_from(random_tensor({prototypes, dim}, 7));
  Steps steps(swav, {.accumulate = 2});
  for (size_t step = 0; step < 2; ++step) {
    const Rows before = prototypes_of(swav);
    steps.run(0.1);
    for (const Seen& seen : {steps.batches.at(2 * step), steps.batches.at(2 * step + 1)})
      for (size_t k = 0; k < prototypes; ++k) {
        EXPECT_NEAR(dot(seen.prototypes[k], seen.prototypes[k]), 1, 1e-5);
        EXPECT_NEAR(dot(seen.prototypes[k], before[k]), std::sqrt(dot(before[k], before[k])), 1e-5) << "it was turned";
        for (size_t n = 0; n < 4; ++n) EXPECT_NEAR(seen.scores(0)[n][k], dot(seen.z(0)[n], seen.prototypes[k]), 1e-5);
      }
    double off = 0;
    for (const auto& row : prototypes_of(swav)) off = std::max(off, std::abs(dot(row, row) - 1));
    EXPECT_GT(off, 1e-2);
  }
}

TEST(SwAV, BalancesPrototypesFirstAndThenSamples) {
  for (const int64_t rounds : {1, 3}) {
    SwAVOptions options = tiny();
    options.sinkhorn = rounds;
    options.epsilon = 0.1;
    SwAV swav(options, tiny_network, 1);
    Steps steps(swav);
    steps.run();
    for (const int64_t crop : {0, 1})
      expect_near(steps.batches[0].assigned(crop), sinkhorn(steps.batches[0].scores(crop), 0.1, rounds), 1e-4);
  }
}

// With a queue of one batch and a half: it is full from the third step on.
TEST(SwAV, AssignsAQueueAlongOnceItIsFullAndFillsItAfterUse) {
  SwAVOptions options = tiny();
  options.queue = 6;
  SwAV swav(options, tiny_network, 1);
  Steps steps(swav);
  for (int step = 0; step < 4; ++step) steps.run();
  EXPECT_EQ(steps.batches[0].form, steps.batches[1].form);
  EXPECT_NE(steps.batches[1].form, steps.batches[2].form);
  EXPECT_EQ(steps.batches[2].form, steps.batches[3].form);
  for (size_t step = 0; step < 4; ++step)
    for (const int64_t crop : {0, 1}) {
      const Seen& seen = steps.batches[step];
      // Newest first.
      Rows queue = seen.queue(crop), expected;
      for (size_t back = 1; back <= step; ++back)
        for (const auto& z : steps.batches[step - back].z(crop))
          if (expected.size() < 6) expected.push_back(z);
      expected.resize(6, std::vector<double>(dim, 0));
      EXPECT_EQ(queue, expected) << "step " << step;
      Rows scores;
      if (step >= 2)
        for (const auto& z : queue) {
          scores.emplace_back();
          for (const auto& prototype : seen.prototypes) scores.back().push_back(dot(z, prototype));
        }
      for (const auto& row : seen.scores(crop)) scores.push_back(row);
      Rows assigned = sinkhorn(scores, 0.05, 3);
      assigned.erase(assigned.begin(), assigned.end() - images[0]);
      expect_near(seen.assigned(crop), assigned, 1e-4);
    }
}

TEST(SwAV, KeepsTheNewestOfABatchThatIsLargerThanItsQueue) {
  SwAVOptions options = tiny();
  options.queue = 3;
  SwAV swav(options, tiny_network, 1);
  Steps steps(swav);
  steps.run();
  steps.run();
  for (const int64_t crop : {0, 1}) {
    Rows expected = steps.batches[0].z(crop);
    expected.pop_back();
    EXPECT_EQ(steps.batches[1].queue(crop), expected);
  }
  EXPECT_NE(steps.batches[0].form, steps.batches[1].form);
}

// All batches of a step are alike in form; each sees the queue with those before it.
TEST(SwAV, DecidesOnItsQueueOnceAStep) {
  SwAVOptions options = tiny();
  options.queue = 4;
  SwAV swav(options, tiny_network, 1);
  Steps steps(swav, {.accumulate = 2});
  steps.run();
  steps.run();
  const std::vector<Seen>& seen = steps.batches;
  EXPECT_EQ(seen[0].form, seen[1].form);
  EXPECT_EQ(seen[2].form, seen[3].form);
  EXPECT_NE(seen[1].form, seen[2].form);
  for (size_t batch = 1; batch < 4; ++batch)
    for (const int64_t crop : {0, 1}) EXPECT_EQ(seen[batch].queue(crop), seen[batch - 1].z(crop));
}

TEST(SwAV, GoesOnWithAQueueThatWasLoaded) {
  SwAVOptions options = tiny();
  options.queue = 4;
  SwAV trained(options, tiny_network, 1), loaded(options, tiny_network, 2);
  Steps(trained).run();
  const std::vector<StateEntry> from = trained.state(), to = loaded.state();
  for (size_t i = 0; i < to.size(); ++i) to[i].tensor().copy_from(from[i].tensor());
  for (SwAV* swav : {&trained, &loaded}) swav->begin({.step = 1, .total_steps = 10});
  EXPECT_EQ(loaded.form(), trained.form());
  const Batch batch = random_batch(trained, images, 1);
  StepLog log;
  trained.before_batches();
  loaded.before_batches();
  EXPECT_EQ(loaded.loss(batch, log).value().item(), trained.loss(batch, log).value().item());
}

// No decay, no moments, no count: the first step after the frozen ones is AdamW's first.
TEST(SwAV, LeavesItsPrototypesAndTheirMomentsAloneInTheFrozenSteps) {
  SwAVOptions options = tiny();
  options.freeze_prototypes_steps = 2;
  SwAV swav(options, tiny_network, 1);
  constexpr double lr = 0.01, decay = 0.5;
  Steps steps(swav, {}, {.weight_decay = decay});
  const Rows backbone = rows_of(state_of(swav, "projector.3.weight"));
  steps.run(lr);
  EXPECT_NE(rows_of(state_of(swav, "projector.3.weight")), backbone);
  const Rows unit = steps.batches[0].prototypes;
  EXPECT_EQ(prototypes_of(swav), unit);
  steps.run(lr);
  EXPECT_EQ(prototypes_of(swav), steps.batches[1].prototypes);
  expect_near(prototypes_of(swav), unit, 1e-6);
  steps.run(lr);
  const Rows moved = prototypes_of(swav), before = steps.batches[2].prototypes;
  for (const ParameterArena::Segment& s : swav.online().segments()) {
    if (s.name != "prototypes.weight") continue;
    const Rows gradient = rows_of(steps.gradients.slice(s.offset, s.shape));
    for (size_t k = 0; k < prototypes; ++k)
      for (size_t d = 0; d < dim; ++d) {
        const double g = gradient[k][d];
        EXPECT_NEAR(moved[k][d], before[k][d] * (1 - lr * decay) - lr * g / (std::abs(g) + 1e-8), 1e-5);
      }
  }
}

// The weights' copies in bf16 are not made again because the prototypes, of which there are none, were scaled.
TEST(SwAV, ScalingItsPrototypesLeavesTheCopiesOfOtherWeightsCurrent) {
  SwAV swav(tiny(), tiny_network, 1);
  swav.before_batches();
  StepLog log;
  const Batch batch = random_batch(swav, images, 0, DType::bf16);
  const double loss = swav.loss(batch, log).value().item();
  const Tensor copy = swav.online().converted().tensor();
  ASSERT_TRUE(copy.defined());
  const uint64_t version = copy.storage()->version();
  swav.before_batches();
  swav.online().converted().refresh();
  EXPECT_EQ(copy.storage()->version(), version);
  swav.online().values().copy_from(random_tensor(swav.online().values().shape(), 9));
  swav.before_batches();
  EXPECT_NE(copy.storage()->version(), version) << "a change before the scaling went unseen";
  EXPECT_NE(swav.loss(batch, log).value().item(), loss);
}

TEST(SwAV, SeveralProcessesShareTheirPrototypesLikeOne) {
  SwAVOptions options = tiny();
  options.queue = 4;
  const auto assigned = [&](SwAV& swav, const std::function<Batch(int64_t)>& batch_of) {
    std::vector<Tensor> all;
    for (int64_t step = 0; step < 2; ++step) {
      StepLog log(StepLog::Keep::everything);
      swav.begin({.step = step, .total_steps = 2});
      swav.before_batches();
      swav.loss(batch_of(step), log);
      swav.after_backward();
      for (const auto& [name, value] : log.tensors())
        if (name == "assign") all.push_back(value);
    }
    all.push_back(state_of(swav, "queues"));
    return all;
  };
  SwAV whole(options, tiny_network, 1, DType::f64);
  const auto batch_of = [&](int64_t step) { return random_batch(whole, images, step, DType::f64); };
  const std::vector<Tensor> expected = assigned(whole, batch_of);
  ThreadGroup::run(2, [&](int rank) {
    SwAV part(options, tiny_network, 1, DType::f64);
    const std::vector<Tensor> actual = assigned(part, [&](int64_t step) {
      Batch batch = batch_of(step);
      for (Tensor& view : batch.views) view = view.rows(2 * rank, 2 * rank + 2).clone();
      return batch;
    });
    for (size_t step = 0; step < 2; ++step)
      for (const int64_t crop : {0, 1}) {
        const Rows own = rows_of(actual[step].rows(crop, crop + 1)), all = rows_of(expected[step].rows(crop, crop + 1));
        expect_near(own, {all.begin() + 2 * rank, all.begin() + 2 * rank + 2}, 1e-9);
      }
    expect_near(rows_of(actual[2]), rows_of(expected[2]), 1e-9);
  });
}

TEST(SwAV, AsksForCropsOfTwoSizes) {
  const SwAV swav(tiny(), tiny_network, 1);
  const BatchRequest request = swav.request({}, 12);
  EXPECT_EQ(request.view_names(), (std::vector<std::string>{"view1", "view2", "local1", "local2", "local3"}));
  EXPECT_EQ(request.group_of(1).augmentation.crop_scale, (std::array<float, 2>{0.14f, 1}));
  EXPECT_EQ(request.group_of(2).size, 8);
  EXPECT_EQ(request.group_of(2).augmentation.crop_scale, (std::array<float, 2>{0.05f, 0.14f}));
}

TEST(SwAV, AdvisesAQueueWhereABatchHasFewerImagesThanPrototypes) {
  SwAVOptions options = tiny();
  EXPECT_EQ(SwAV(options, tiny_network, 1).check_data(1000, 10), "");
  EXPECT_NE(SwAV(options, tiny_network, 1).check_data(1000, 4).find("a `queue` of 8 or more"), std::string::npos);
  options.queue = 6;
  EXPECT_EQ(SwAV(options, tiny_network, 1).check_data(1000, 4), "");
  options.sinkhorn = 0;
  EXPECT_THROW(SwAV(options, tiny_network, 1), Error);
}

}  // namespace
}  // namespace minissl
