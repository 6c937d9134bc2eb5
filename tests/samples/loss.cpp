#include "tensor/ops/loss.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

struct Case {
  const char* name;
  int64_t rows, classes;
  double scale;  // of the logits: similarities are divided by a temperature of 0.07 to 0.2
  bool small;
  bool gaps = false;  // some rows have no target
};

const Case cases[] = {
    {"odd", 5, 7, 1, true},        {"one_row", 1, 3, 1, true},       {"one_class", 3, 1, 1, true},
    {"sharp", 4, 9, 14, true},     {"many_rows", 257, 65, 3, false}, {"queue", 3, 65537, 3, false},
    {"gaps", 7, 5, 1, true, true},
};

// i64 in [0, classes), and in every third place no target.
Input with_gaps(const Shape& shape, int64_t classes) {
  return {shape, [draw = class_indices(shape, classes).draw](const Shape& shape, const Random& random) {
            const Tensor targets = draw(shape, random);
            for (int64_t n = 0; n < targets.numel(); n += 3) targets.mutable_data<int64_t>()[n] = ops::no_target;
            return targets;
          }};
}

Tensors cross_entropy_with_log_sum_exp(const Tensor& logits, const Tensor& targets) {
  ops::CrossEntropy op{logits, targets, like(logits, {1}), like(logits, targets.shape()), like(logits, {1})};
  minissl::run(op);
  return {op.loss, op.log_sum_exp, op.count};
}

void add_cross_entropy(std::vector<Sample>& samples, const Case& c) {
  const Shape logits{c.rows, c.classes};
  const Input targets = c.gaps ? with_gaps({c.rows}, c.classes) : class_indices({c.rows}, c.classes);
  samples.push_back(
      {.operation = ops::CrossEntropy::name,
       .name = c.name,
       .inputs = {normal(logits, 0, c.scale), targets},
       .run = [](const Tensors& in) { return cross_entropy_with_log_sum_exp(in[0], in[1]); },
       .function = "cross_entropy",
       .form = [](const Variables& in) { return cross_entropy(in[0], in[1].value()); },
       .differentiable = {true, false},
       .small = c.small,
       .tolerance = sum_of(c.rows),
       .gradient_tolerance = {roundings(4).relative * (8 + c.scale * 4),
                              "exp() of a logit minus log_sum_exp: their absolute error becomes relative"}});
  samples.push_back({.operation = ops::CrossEntropyGradient::name,
                     .name = c.name,
                     .inputs = {normal({1}), normal(logits, 0, c.scale), targets},
                     .derive =
                         [](const Tensors& in) {
                           const Tensors forward = cross_entropy_with_log_sum_exp(in[1], in[2]);
                           return Tensors{in[0], in[1], in[2], forward[1], forward[2]};
                         },
                     .run =
                         [](const Tensors& in) {
                           ops::CrossEntropyGradient op{in[0], in[1], in[2], in[3], in[4], like(in[1], in[1].shape())};
                           minissl::run(op);
                           return Tensors{op.dlogits};
                         },
                     .no_derivative = is_a_gradient,
                     .tolerance = samples.back().gradient_tolerance});
}

void add_accuracy(std::vector<Sample>& samples, const Case& c) {
  samples.push_back({.operation = ops::Accuracy::name,
                     .name = c.name,
                     .inputs = {normal({1}), class_indices({c.rows}, c.classes),
                                c.gaps ? with_gaps({c.rows}, c.classes) : class_indices({c.rows}, c.classes)},
                     .run = [](const Tensors& in) { return Tensors{ops::accuracy(in[1], in[2], in[0].dtype())}; },
                     .no_derivative = "it counts",
                     .tolerance = roundings(1)});
}

ErrorCase error(const char* name, const Tensor& logits, const std::vector<int64_t>& targets, const char* message) {
  return {"cross_entropy", name,
          [=] { cross_entropy(logits, Tensor::from({static_cast<int64_t>(targets.size())}, targets)); }, message};
}

}  // namespace

Family loss_family() {
  Family family;
  for (const Case& c : cases) add_cross_entropy(family.samples, c);
  for (const Case& c : cases) add_accuracy(family.samples, c);
  const Tensor logits = Tensor::zeros({2, 3});
  family.errors = {
      error("target_too_large", logits, {0, 3}, "target 3 of row 1 is not one of 3 classes"),
      error("target_negative", logits, {-2, 0}, "target -2 of row 0 is not one of 3 classes"),
      error("too_many_targets", logits, {0, 1, 2}, "i64[3]"),
      error("logits_not_a_matrix", Tensor::zeros({2}), {0, 1}, "f32[2]"),
      {"accuracy", "other_rows",
       [] { ops::accuracy(Tensor::zeros({2}, DType::i64), Tensor::zeros({3}, DType::i64), DType::f32); },
       "predictions i64[2] and targets i64[3] (i64, N) don't fit"},
      {"cross_entropy", "targets_of_another_type", [=] { cross_entropy(logits, Tensor::zeros({2})); }, "f32[2]"},
  };
  return family;
}

}  // namespace minissl::samples
