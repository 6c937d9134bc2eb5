#include "tensor/ops/distillation.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

struct Case {
  const char* name;
  int64_t targets, crops, images, classes;
  double scale;  // of the logits: cosines, divided by temperatures of 0.04 to 0.1
  bool small;
};

// Two global crops; with local ones; a single target; long rows; more rows than a block has threads.
const Case cases[] = {
    {"two_globals", 2, 2, 3, 5, 1, true},     {"with_locals", 2, 5, 2, 7, 1, true},
    {"one_target", 1, 2, 3, 4, 1, true},      {"all_targets", 3, 3, 1, 1, 1, true},
    {"sharp", 2, 3, 2, 9, 6, true},           {"long_rows", 2, 4, 2, 65537, 1, false},
    {"many_images", 2, 3, 300, 33, 2, false},
};

constexpr double temperature = 0.25;

ops::SoftTargets targets_of(const Tensor& teacher, const Tensor& center) {
  return ops::centered_softmax(teacher, center, temperature);
}

Tolerance of_exponentials(const Case& c) {
  return {roundings(8).relative * (8 + c.scale * 16),
          "exp() of a logit minus log_sum_exp: their absolute error becomes relative"};
}

void add_softmax(std::vector<Sample>& samples, const Case& c) {
  samples.push_back({.operation = ops::CenteredSoftmax::name,
                     .name = c.name,
                     .inputs = {normal({c.targets * c.images, c.classes}, 0, c.scale), normal({1, c.classes})},
                     .run =
                         [](const Tensors& in) {
                           const auto [probabilities, entropy] = targets_of(in[0], in[1]);
                           return Tensors{probabilities, entropy};
                         },
                     .no_derivative = "targets are constants of the loss",
                     .tolerance = of_exponentials(c)});
}

void add_loss(std::vector<Sample>& samples, const Case& c) {
  const Shape student{c.crops * c.images, c.classes}, teacher{c.targets * c.images, c.classes};
  const Input center = normal({c.classes});
  // The rows of a target sum to 1.
  const auto with_target = [](const Tensors& in) { return Tensors{in[0], targets_of(in[1], in[2]).probabilities}; };
  const auto loss = [c](const Tensors& in) {
    ops::SelfDistillation op{in[0],
                             in[1],
                             like(in[0], {c.targets, c.crops, c.images}),
                             like(in[0], {c.targets, c.crops}),
                             like(in[0], {1}),
                             like(in[0], {c.crops * c.images}),
                             temperature};
    minissl::run(op);
    return op;
  };
  samples.push_back(
      {.operation = ops::SelfDistillation::name,
       .name = c.name,
       .inputs = {normal(student, 0, c.scale), normal(teacher, 0, c.scale), center},
       .derive = with_target,
       .run =
           [=](const Tensors& in) {
             const ops::SelfDistillation op = loss(in);
             return Tensors{op.rows, op.pairs, op.loss, op.log_sum_exp};
           },
       .function = "self_distillation",
       .form = [c](const Variables& in) { return self_distillation(in[0], in[1].value(), c.crops, temperature).loss; },
       .differentiable = {true, false},
       .small = c.small,
       .tolerance = {sum_of(c.classes).relative + roundings(8).relative, "sums over a row of products with logits"},
       .gradient_tolerance = of_exponentials(c)});
  samples.push_back({.operation = ops::SelfDistillationGradient::name,
                     .name = c.name,
                     .inputs = {normal(student, 0, c.scale), normal(teacher, 0, c.scale), center, normal({1})},
                     .derive =
                         [=](const Tensors& in) {
                           const Tensors both = with_target(in);
                           return Tensors{both[0], both[1], loss(both).log_sum_exp, in[3]};
                         },
                     .run =
                         [c](const Tensors& in) {
                           ops::SelfDistillationGradient op{
                               in[3], in[0], in[1], in[2], like(in[0], in[0].shape()), c.crops, temperature};
                           minissl::run(op);
                           return Tensors{op.dstudent};
                         },
                     .no_derivative = is_a_gradient,
                     .tolerance = of_exponentials(c)});
}

ErrorCase error(const char* name, const Shape& student, const Shape& target, int64_t crops, double t,
                const char* message) {
  return {"self_distillation", name,
          [=] { self_distillation(Tensor::zeros(student), Tensor::zeros(target), crops, t); }, message};
}

}  // namespace

Family distillation_family() {
  Family family;
  for (const Case& c : cases) {
    add_softmax(family.samples, c);
    add_loss(family.samples, c);
  }
  family.samples.push_back({.operation = ops::CenteredSoftmax::name,
                            .name = "temperature_on_device",
                            .inputs = {normal({3, 9}), normal({9})},
                            .run =
                                [](const Tensors& in) {
                                  const Tensor t = Tensor::full({1}, temperature, DType::f64, in[0].device());
                                  const auto [probabilities, entropy] = ops::centered_softmax(in[0], in[1], t);
                                  return Tensors{probabilities, entropy};
                                },
                            .no_derivative = "targets are constants of the loss",
                            .tolerance = of_exponentials(cases[0])});
  family.errors = {
      {"centered_softmax", "center_too_short",
       [] {
         ops::centered_softmax(Tensor::zeros({2, 3}), Tensor::zeros({2}), 1);
       },
       "centered_softmax: logits f32[2, 3] (N, K) and a centre f32[2] (K) don't fit"},
      error("other_columns", {4, 3}, {4, 2}, 2, 1, "f32[4, 3] (C N, K) and targets f32[4, 2]"),
      error("rows_left_over", {5, 3}, {4, 3}, 2, 1, "f32[5, 3] are not those of 2 crops"),
      error("one_crop", {2, 3}, {2, 3}, 1, 1, "of which it needs two or more"),
      error("too_many_targets", {4, 3}, {6, 3}, 2, 1, "f32[6, 3] are not those of 1 to 2 crops of 2 images"),
      error("no_temperature", {4, 3}, {4, 3}, 2, 0, "the temperature must be above 0, not 0"),
  };
  return family;
}

}  // namespace minissl::samples
