#include "tensor/ops/reduce.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

std::string name_of(const Shape& s) { return fmt::format("{}", fmt::join(s.begin(), s.end(), "x")); }

void add_sum(std::vector<Sample>& samples, const Shape& x) {
  const std::string name = name_of(x);
  samples.push_back({.operation = ops::Sum::name,
                     .name = name,
                     .inputs = {normal(x)},
                     .function = "sum",
                     .form = [](const Variables& in) { return sum(in[0]); },
                     .differentiable = {true},
                     .small = x.numel() < 200,
                     .tolerance = sum_of(x.numel())});
  samples.push_back({.operation = ops::Expand::name,
                     .name = name,
                     .inputs = {normal({1})},
                     .run =
                         [x](const Tensors& in) {
                           ops::Expand op{in[0], like(in[0], x)};
                           minissl::run(op);
                           return Tensors{op.y};
                         },
                     .no_derivative = "it is the gradient of sum"});
  samples.push_back({.operation = "mean",
                     .name = name,
                     .inputs = {normal(x)},
                     .function = "mean",
                     .form = [](const Variables& in) { return mean(in[0]); },
                     .differentiable = {true},
                     .small = x.numel() < 200,
                     .tolerance = sum_of(x.numel()),
                     .gradient_tolerance = roundings(2)});
}

void add_column_sum(std::vector<Sample>& samples, const Shape& x) {
  samples.push_back({.operation = ops::ColumnSum::name,
                     .name = name_of(x),
                     .inputs = {normal(x)},
                     .run = [](const Tensors& in) { return Tensors{ops::column_sum(in[0])}; },
                     .no_derivative = "it is the gradient of add_row's row",
                     .bf16 = {true},
                     .tolerance = sum_of(x[0])});
}

}  // namespace

Family reduce_family() {
  Family family;
  for (const Shape& x : {Shape{1}, Shape{5, 7}, Shape{2, 3, 3, 7}, Shape{3, 23333}}) add_sum(family.samples, x);
  family.samples.push_back({.operation = ops::Sum::name,
                            .name = "of_like_signs",
                            .inputs = {uniform({3, 23333}, 0, 1)},
                            .run =
                                [](const Tensors& in) {
                                  ops::Sum op{in[0], like(in[0], {1})};
                                  minissl::run(op);
                                  return Tensors{op.y};
                                },
                            .no_derivative = "sum_3x23333 has it",
                            .tolerance = sum_of(69999)});
  for (const Shape& x : {Shape{5, 7}, Shape{3, 1}, Shape{2, 64}, Shape{129, 257}, Shape{9001, 3}})
    add_column_sum(family.samples, x);
  family.errors = {
      {"column_sum", "not_a_matrix", [] { ops::column_sum(Tensor::zeros({7})); },
       "column_sum needs rows (N, D), not f32[7]"},
  };
  return family;
}

}  // namespace minissl::samples
