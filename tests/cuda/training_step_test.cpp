#include "ssl/step/training_step.h"

#include <cmath>

#include "nn/state_file.h"
#include "ssl/parts/variance_term.h"
#include "tests/cuda/gpu.h"
#include "tests/samples/sample.h"
#include "tests/ssl/small_step.h"

/// Recorded and replayed steps compared with steps run operation by operation.
namespace minissl {
namespace {

struct Case {
  std::string name, method;
  bool symmetric = false;
  int64_t bn_groups = 1;
  std::string optimizer = "adamw";
  int64_t accumulate = 1;
  double clip_norm = 0;
  DType activations = DType::f32;
};

const Case cases[] = {
    {.name = "moco", .method = "moco"},
    {.name = "moco_symmetric", .method = "moco", .symmetric = true},
    {.name = "moco_split", .method = "moco", .bn_groups = 2},
    {.name = "moco_bf16", .method = "moco", .activations = DType::bf16},
    {.name = "moco_accumulated", .method = "moco", .accumulate = 2, .clip_norm = 0.5},
    {.name = "barlow_lars", .method = "barlow", .optimizer = "lars"},
    {.name = "vicreg", .method = "vicreg"},
    {.name = "vicreg_lion", .method = "vicreg", .optimizer = "lion"},
    {.name = "simclr_sgd", .method = "simclr", .optimizer = "sgd", .clip_norm = 0.5},
    {.name = "simsiam", .method = "simsiam"},
    {.name = "byol", .method = "byol"},
    {.name = "spark_sgd", .method = "spark", .optimizer = "sgd"},
    {.name = "swav_sgd", .method = "swav", .optimizer = "sgd"},
    {.name = "swav_bf16", .method = "swav", .optimizer = "sgd", .activations = DType::bf16},
    {.name = "swav_accumulated", .method = "swav", .optimizer = "sgd", .accumulate = 2, .clip_norm = 0.05},
    {.name = "dino", .method = "dino"},
    {.name = "dino_accumulated", .method = "dino", .optimizer = "sgd", .accumulate = 2, .clip_norm = 0.05},
};

class SmallCase final : public OptionVisitor {
 public:
  explicit SmallCase(const Case& c) : case_(c) {}
  void visit(const char* name, int64_t& value, const char* help) override {
    small_.visit(name, value, help);
    if (std::string(name) == "warmup-teacher-epochs") value = 4;  // a different temperature in each step
    if (std::string(name) == "local-size") value = 3;
    // Full after the second step, or the first one if it accumulates: the loss has another form from then on.
    if (std::string(name) == "queue" && case_.method == "swav") value = 8;
  }
  void visit(const char* name, double& value, const char*) override {
    if (std::string(name) == "momentum-end") value = 1;  // a different momentum in each step
    if (std::string(name) == "teacher-temperature") value = 0.08;
  }
  void visit(const char* name, bool& value, const char*) override {
    if (std::string(name) == "symmetric") value = case_.symmetric;
  }
  void visit(const char*, std::string&, const char*) override {}
  void visit(const char*, std::array<double, 2>&, const char*) override {}
  void visit(const char*, std::array<double, 3>&, const char*) override {}

 private:
  const Case& case_;
  Small small_;
};

struct Outcome {
  NamedTensors state;
  std::vector<StepResult> results;
  int64_t peak = 0;               // in use during two steps, beyond the use before
  std::vector<int64_t> reserved;  // after each step
};

class TrainingStepOnGpu : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override { MINISSL_NEEDS_GPU(); }

  // A run with many changes that graphs must not miss: the first step runs operation by operation, the second is
  // recorded, the third replayed; then come another loss and smaller batches, twice. All the optimizer's numbers and
  // the parameters' rules change from step to step.
  struct Run {
    Device device = gpu;
    bool cuda_graph = true;
    DType dtype = DType::f32;
    int64_t steps = 5;
    bool interrupted = true;
  };

  static Outcome train(const Run& run) {
    const Case& c = GetParam();
    const DeviceScope device_scope(run.device);
    allocator(run.device).reset_peak();
    const int64_t before = allocator(run.device).usage().live;
    const auto config = find_method(c.method).config();
    SmallCase small(c);
    config->visit(small);
    const ResNetConfig network(
        {.depth = resnet18, .stem = Stem::small, .bn_groups = c.bn_groups, .width = network_width});
    const auto method = config->make(network, 0, run.dtype);
    int64_t current = 0;
    const auto optimizer =
        make_optimizer({.kind = c.optimizer}, method->online(), [&](const std::string& name, const Shape& shape) {
          ParameterRule rule = method->rule(name, shape);
          rule.rate = shape.rank() < 2 ? 1 : 1 / static_cast<double>(1 + current);
          rule.frozen = shape.rank() < 2 && current % 2 == 1;
          return rule;
        });
    TrainingStep step(*method, *optimizer, {.accumulate = c.accumulate, .clip_norm = c.clip_norm},
                      run.cuda_graph ? TrainingStep::Graphs::on : TrainingStep::Graphs::off);
    const DType activations = run.dtype == DType::f64 ? run.dtype : c.activations;
    int64_t batches = 0;
    Outcome outcome;
    const auto take = [&](bool wait) {
      while (const auto result = step.result(wait)) outcome.results.push_back(*result);
    };
    std::vector<Tensor> others;
    for (int64_t i = 0; i < run.steps; ++i) {
      current = i;
      const auto number = static_cast<double>(i + 1);
      step.run({i, run.steps}, StepRates{1e-3 * number, 5e-3, 1e-4 * number}, [&] {
        const int64_t most = c.bn_groups == 1 ? 4 : 8, batch = batches++;
        const int64_t count = run.interrupted && i > 2 ? most / 2 : most;
        const int64_t size = c.method == "spark" ? 16 : 4;  // it hides some of the cells of 8 pixels
        return random_batch(*method, {count, size, size, 3}, batch, activations, run.device);
      });
      take(false);
      outcome.reserved.push_back(allocator(run.device).usage().reserved);
      if (i == 1) outcome.peak = allocator(run.device).usage().peak - before;
      if (!run.interrupted) continue;
      // The monitor evaluates the network and keeps memory; other work writes to free memory.
      others.push_back(method->embed(random_tensor({3, 4, 4, 3}, 99).to(activations)).back().rows);
      others.push_back(Tensor::full({1 << (10 + i)}, NAN, DType::f32, run.device));
      Tensor::full({1 << 20}, NAN, DType::f32, run.device);
      if (i == 2 && method->variance_term() != nullptr) method->variance_term()->set_weight(0.5);
    }
    take(true);
    for (auto& [name, tensor] : file_tensors(*method)) outcome.state.emplace_back(name, tensor.to(Device{}).clone());
    for (auto& [name, tensor] : optimizer->state()) outcome.state.emplace_back(name, tensor.to(Device{}).clone());
    for (size_t i = 0; i < others.size(); i += 2) outcome.state.emplace_back("embedding", others[i].to(Device{}));
    return outcome;
  }
};

TEST_P(TrainingStepOnGpu, HasTheSameBitsWithAndWithoutAGraph) {
  const Outcome with = train({}), without = train({.cuda_graph = false});
  ASSERT_EQ(with.state.size(), without.state.size());
  for (size_t i = 0; i < with.state.size(); ++i)
    EXPECT_TRUE(samples::same_bits(with.state[i].second, without.state[i].second)) << with.state[i].first;
  EXPECT_EQ(with.peak, without.peak);
  ASSERT_EQ(with.results.size(), 5U);
  ASSERT_EQ(without.results.size(), 5U);
  for (size_t i = 0; i < 5; ++i) {
    const StepResult &a = with.results[i], &b = without.results[i];
    EXPECT_EQ(a.step, static_cast<int64_t>(i));
    EXPECT_EQ(a.loss, b.loss) << i;
    EXPECT_EQ(a.gradient_norm, b.gradient_norm) << i;
    EXPECT_EQ(a.terms, b.terms) << i;
    EXPECT_TRUE(std::isfinite(a.loss));
  }
}

TEST_P(TrainingStepOnGpu, AgreesWithTheCpu) {
  if (GetParam().optimizer == "adamw" && GetParam().name != "moco") GTEST_SKIP() << "AdamW magnifies rounding errors";
  if (GetParam().optimizer == "lion") GTEST_SKIP() << "Lion magnifies rounding errors";
  const Run run{.dtype = DType::f64, .steps = 2, .interrupted = false};
  Run on_cpu = run;
  on_cpu.device = {};
  const Outcome actual = train(run), expected = train(on_cpu);
  EXPECT_EQ(actual.reserved[0], actual.reserved[1]) << "the recording took more than the step did before";
  ASSERT_EQ(actual.results.size(), expected.results.size());
  for (size_t i = 0; i < actual.results.size(); ++i) {
    EXPECT_NEAR(actual.results[i].loss, expected.results[i].loss, 1e-7 * std::abs(expected.results[i].loss));
    EXPECT_NEAR(actual.results[i].gradient_norm, expected.results[i].gradient_norm,
                1e-7 * expected.results[i].gradient_norm);
  }
  for (size_t i = 0; i < actual.state.size(); ++i)
    EXPECT_LE(samples::relative_error(actual.state[i].second, expected.state[i].second), 1e-6) << actual.state[i].first;
}

INSTANTIATE_TEST_SUITE_P(, TrainingStepOnGpu, testing::ValuesIn(cases),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace minissl
