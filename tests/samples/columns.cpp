#include "tensor/ops/columns.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

// A small deviation makes errors large, as in batch normalisation.
Tolerance divided_by_deviation(int64_t rows) {
  return {8 * (sum_of(rows).relative + roundings(8).relative), "differences of sums over rows, over their deviation"};
}

void add_columns(std::vector<Sample>& samples, const char* name, const Shape& x, bool small) {
  samples.push_back({.operation = ops::CenterColumns::name,
                     .name = name,
                     .inputs = {normal(x, 0.5)},
                     .function = "center_columns",
                     .form = [](const Variables& in) { return center_columns(in[0]); },
                     .differentiable = {true},
                     .small = small,
                     .tolerance = sum_of(x[0]),
                     .gradient_tolerance = sum_of(x[0])});
  samples.push_back({.operation = ops::Standardize::name,
                     .name = name,
                     .inputs = {normal(x, 0.5)},
                     .function = "standardize",
                     .form = [](const Variables& in) { return standardize(in[0]); },
                     .differentiable = {true},
                     .small = small,
                     .tolerance = divided_by_deviation(x[0]),
                     .gradient_tolerance = divided_by_deviation(x[0])});
  samples.push_back({.operation = ops::StandardizeGradient::name,
                     .name = name,
                     .inputs = {normal(x), normal(x), uniform({x[1]}, 0.5, 2)},
                     .run =
                         [](const Tensors& in) {
                           ops::StandardizeGradient op{in[0], in[1], in[2], like(in[0], in[0].shape())};
                           minissl::run(op);
                           return Tensors{op.dx};
                         },
                     .no_derivative = is_a_gradient,
                     .tolerance = divided_by_deviation(x[0])});
}

void add_column_variance(std::vector<Sample>& samples, const std::string& name, const Shape& x, double mean) {
  // Relative to the deviation, a mean of 1000 is accurate to a thousand roundings.
  const Tolerance tolerance{sum_of(x[0]).relative + roundings(4).relative * (1 + mean),
                            "sums over rows, of deviations from a mean that is rounded"};
  samples.push_back({.operation = ops::ColumnVariance::name,
                     .name = name,
                     .inputs = {normal(x, mean)},
                     .function = "column_variance",
                     .form = [](const Variables& in) { return column_variance(in[0]); },
                     .differentiable = {true},
                     .small = x.numel() < 200 && mean == 0,
                     .tolerance = tolerance,
                     .gradient_tolerance = tolerance});
  samples.push_back({.operation = ops::ColumnVarianceGradient::name,
                     .name = name,
                     .inputs = {normal({x[1]}), normal(x, mean)},
                     .run =
                         [](const Tensors& in) {
                           ops::ColumnVarianceGradient op{in[0], in[1], like(in[1], in[1].shape())};
                           minissl::run(op);
                           return Tensors{op.dx};
                         },
                     .no_derivative = is_a_gradient,
                     .tolerance = tolerance});
}

}  // namespace

Family columns_family() {
  Family family;
  add_columns(family.samples, "odd", {5, 7}, true);
  add_columns(family.samples, "one_column", {4, 1}, true);
  add_columns(family.samples, "wide", {33, 257}, false);
  for (const Shape& x : {Shape{5, 7}, Shape{3, 1}, Shape{2, 64}, Shape{129, 257}})
    add_column_variance(family.samples, fmt::format("{}", fmt::join(x.begin(), x.end(), "x")), x, 0);
  add_column_variance(family.samples, "far_from_zero", {33, 7}, 1000);
  // A dead dimension has no gradient, and must not have a NaN.
  family.samples.push_back({.operation = ops::StandardizeGradient::name,
                            .name = "dead_column",
                            .inputs = {normal({3, 1})},
                            .derive =
                                [](const Tensors& in) {
                                  const Tensor zero = Tensor::zeros({3, 1}, DType::f64);
                                  return Tensors{in[0], zero, Tensor::zeros({1}, DType::f64)};
                                },
                            .run =
                                [](const Tensors& in) {
                                  ops::StandardizeGradient op{in[0], in[1], in[2], like(in[0], in[0].shape())};
                                  minissl::run(op);
                                  return Tensors{op.dx};
                                },
                            .no_derivative = is_a_gradient,
                            .tolerance = divided_by_deviation(3)});
  family.errors = {{"standardize", "one_row",
                    [] {
                      standardize(Tensor::zeros({1, 4}));
                    },
                    "at least two rows"},
                   {"column_variance", "one_row",
                    [] {
                      column_variance(Tensor::zeros({1, 7}));
                    },
                    "at least two rows"},
                   {"column_variance", "not_a_matrix",
                    [=] {
                      column_variance(Tensor::zeros({2, 3, 3, 7}));
                    },
                    "f32[2, 3, 3, 7]"},
                   {"center_columns", "an_image",
                    [] {
                      center_columns(Tensor::zeros({1, 2, 2, 4}));
                    },
                    "(N, D)"}};
  return family;
}

}  // namespace minissl::samples
