#include "tensor/ops/diagonal.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

constexpr double target = 1, on_weight = 0.5, off_weight = 0.005;

void add_diagonal(std::vector<Sample>& samples, int64_t d, bool small) {
  const std::string name = std::to_string(d);
  samples.push_back(
      {.operation = ops::DiagonalDistance::name,
       .name = name,
       .inputs = {normal({d, d})},
       .run =
           [](const Tensors& in) {
             const auto [loss, on, off] = diagonal_distance(in[0], target, on_weight, off_weight);
             return Tensors{loss.value(), on, off};
           },
       .function = "diagonal_distance",
       .form = [](const Variables& in) { return diagonal_distance(in[0], target, on_weight, off_weight).loss; },
       .differentiable = {true},
       .small = small,
       .tolerance = sum_of(d * d),
       .gradient_tolerance = roundings(4)});
  samples.push_back({.operation = ops::DiagonalDistanceGradient::name,
                     .name = name,
                     .inputs = {normal({1}), normal({d, d})},
                     .run =
                         [](const Tensors& in) {
                           ops::DiagonalDistanceGradient op{in[0],  in[1],     like(in[1], in[1].shape()),
                                                            target, on_weight, off_weight};
                           minissl::run(op);
                           return Tensors{op.dc};
                         },
                     .no_derivative = is_a_gradient,
                     .tolerance = roundings(4)});
  if (d == 1) return;  // everything is overwritten
  samples.push_back({.operation = ops::FillDiagonal::name,
                     .name = name,
                     .inputs = {normal({d, d})},
                     .function = "fill_diagonal",
                     .form = [](const Variables& in) { return fill_diagonal(in[0], -3); },
                     .differentiable = {true},
                     .small = small});
}

}  // namespace

Family diagonal_family() {
  Family family;
  for (const int64_t d : {1, 5, 12}) add_diagonal(family.samples, d, true);
  add_diagonal(family.samples, 129, false);
  family.errors = {{"diagonal_distance", "not_square",
                    [] {
                      diagonal_distance(Tensor::zeros({2, 3}), target, on_weight, off_weight);
                    },
                    "f32[2, 3]"},
                   {"fill_diagonal", "not_square",
                    [] {
                      fill_diagonal(Tensor::zeros({2, 3}), 0);
                    },
                    "f32[2, 3]"}};
  return family;
}

}  // namespace minissl::samples
