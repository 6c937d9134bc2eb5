#include <cmath>
#include <gtest/gtest.h>

#include "tensor/ops/update.h"
#include "tests/ssl/small_step.h"

/// Training steps of every method in bf16, compared with float32.
namespace minissl {
namespace {

const Shape images{16, 16, 16, 3};

// Narrow heads and a queue of four batches.
class Narrow : public OptionVisitor {
 public:
  void visit(const char* name, int64_t& value, const char*) override { make_small(name, value, 32, 64); }
  void visit(const char* name, double& value, const char*) override {
    if (std::string(name) == "variance-weight") value = 1;
  }
  void visit(const char*, bool&, const char*) override {}
  void visit(const char*, std::string&, const char*) override {}
  void visit(const char*, std::array<double, 2>&, const char*) override {}
  void visit(const char*, std::array<double, 3>&, const char*) override {}
};

struct Step {
  double loss;
  std::vector<double> gradient;  // of the backbone's parameters
};

// Heads are in float32. Next to DINO's gradient, which is divided by the length of a short vector, the backbone's would
// not be seen.
bool is_of_head(const std::string& parameter) {
  return parameter.starts_with("projector.") || parameter.starts_with("predictor.") || parameter.starts_with("fc.") ||
         parameter.starts_with("head.") || parameter.starts_with("prototypes.");
}

class Bf16Step : public testing::TestWithParam<MethodEntry> {
 protected:
  static std::unique_ptr<Method> make() {
    const auto config = GetParam().config();
    Narrow narrow;
    config->visit(narrow);
    const ResNetOptions network{.depth = resnet18, .stem = Stem::small, .width = 16};
    return config->make(*small_backbone(GetParam().name, network, images), 1, DType::f32);
  }
  // A step in `type`, on images rounded to `rounded`.
  static Step step(Method& method, DType type, DType rounded) {
    Batch batch = random_batch(method, images, 0);
    for (Tensor& view : batch.views) view = view.to(rounded).to(type);
    StepLog log;
    method.online().zero_gradients();
    const Variable loss = method.loss(batch, log);
    EXPECT_EQ(loss.value().dtype(), DType::f32);
    backward(loss);
    Step result{loss.value().item(), {}};
    for (const ParameterArena::Segment& s : method.online().segments()) {
      if (is_of_head(s.name)) continue;
      const std::vector<double> values = method.online().gradients().slice(s.offset, s.shape).to_vector();
      result.gradient.insert(result.gradient.end(), values.begin(), values.end());
    }
    return result;
  }
  static double loss_in_bf16(Method& method) { return step(method, DType::bf16, DType::bf16).loss; }
};

double cosine(const std::vector<double>& a, const std::vector<double>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) ab += a[i] * b[i], aa += a[i] * a[i], bb += b[i] * b[i];
  return ab / std::sqrt(aa * bb);
}

// An untrained network of twenty layers magnifies a rounding (2^-8 of an element): signs change before ReLUs, and with
// them whole parts of the gradient. So the yardstick is the effect of rounding only the images on a step in float32.
// Some forty more roundings on the way, with independent errors, change 1 - cosine four to five times as much. A Vision
// Transformer magnifies nothing: its yardstick is fifty roundings, whose relative errors of 2^-9 / sqrt(3) add up. In
// BEiT all hidden patches have one mask token, and an untrained tokenizer gives nearly all one target, so their errors
// are not independent.
TEST_P(Bf16Step, DiffersFromFloat32NoMoreThanByItsRoundings) {
  const auto method = make();
  const Step f32 = step(*method, DType::f32, DType::f32), rounded = step(*method, DType::f32, DType::bf16),
             bf16 = step(*method, DType::bf16, DType::bf16);
  EXPECT_NEAR(bf16.loss, f32.loss, 0.02 * std::max(1.0, std::abs(f32.loss)));
  const double off = 1 - cosine(bf16.gradient, f32.gradient), of_images = 1 - cosine(rounded.gradient, f32.gradient);
  const double of_roundings = (GetParam().name == "beit" ? 10 : 1) * 50 * std::pow(0x1p-9, 2) / 3 / 2;
  EXPECT_LT(off, std::max(10 * of_images, of_roundings));
  EXPECT_GT(off, 1e-9) << "nothing was rounded";
  RecordProperty("loss", fmt::format("{:.6f} beside {:.6f}", bf16.loss, f32.loss));
  RecordProperty("one_minus_cosine", fmt::format("{:.5f}, images alone {:.5f}", off, of_images));
}

// The convolutions read copies of their weights, which must follow every change.
TEST_P(Bf16Step, SeesWeightsThatWereChanged) {
  const auto method = make(), fresh = make();
  const double before = loss_in_bf16(*method);
  const Tensor changed = method->online().values().clone();
  run(ops::Accumulate{changed, random_tensor(changed.shape(), 3)});
  method->online().values().copy_from(changed);
  const double after = loss_in_bf16(*method);
  EXPECT_NE(after, before);
  fresh->online().values().copy_from(changed);
  EXPECT_EQ(loss_in_bf16(*fresh), after);
}

INSTANTIATE_TEST_SUITE_P(Registry, Bf16Step, testing::ValuesIn(methods()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace minissl
