#include "tensor/ops/gelu.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

// The last one has enough rows for several blocks of the sums over rows.
const Shape shapes[] = {{5, 7}, {2, 3, 4}, {3, 1}, {2, 3, 1, 5}, {129, 257}, {3, 70, 33}};

std::string name_of(const Shape& s) { return fmt::format("{}", fmt::join(s.begin(), s.end(), "x")); }

void add(std::vector<Sample>& samples, const Shape& x) {
  const Shape row{x[-1]};
  const Tolerance sums{sum_of(x.leading(1)).relative + roundings(12).relative, "sums of values off by some roundings"};
  samples.push_back({.operation = ops::BiasGelu::name,
                     .name = name_of(x),
                     .inputs = {normal(x, 0, 2), normal(row)},
                     .function = "gelu",
                     .form = [](const Variables& in) { return gelu(in[0], in[1]); },
                     .differentiable = {true, true},
                     .small = x.numel() < 200,
                     .bf16 = {true, false},
                     .tolerance = roundings(8),
                     .gradient_tolerance = sums});
  samples.push_back(
      {.operation = ops::BiasGeluGradient::name,
       .name = name_of(x),
       .inputs = {normal(x), normal(x, 0, 2), normal(row)},
       .run =
           [](const Tensors& in) {
             ops::BiasGeluGradient op{in[0], in[1], in[2], like(in[0], in[0].shape()), like(in[2], in[2].shape())};
             minissl::run(op);
             ops::BiasGeluGradient in_place = op;
             in_place.dy = in_place.dx = in[0].clone();
             in_place.dbias = like(in[2], in[2].shape());
             minissl::run(in_place);
             return Tensors{op.dx, op.dbias, in_place.dx, in_place.dbias};
           },
       .no_derivative = is_a_gradient,
       .bf16 = {true, true, false},
       .tolerance = sums});
}

}  // namespace

Family gelu_family() {
  Family family;
  for (const Shape& x : shapes) add(family.samples, x);
  // Where the tails are 0 and 1.
  family.samples.push_back({.operation = ops::BiasGelu::name,
                            .name = "tails",
                            .inputs = {normal({4, 9}, 0, 30), normal({9}, 0, 30)},
                            .run =
                                [](const Tensors& in) {
                                  ops::BiasGelu op{in[0], in[1], like(in[0], in[0].shape())};
                                  minissl::run(op);
                                  return Tensors{op.y};
                                },
                            .no_derivative = "it has one, which other samples check",
                            .tolerance = roundings(8)});

  const Tensor x = Tensor::zeros({5, 7}), row = Tensor::zeros({7});
  family.errors = {
      {"bias_gelu", "bias_too_long", [=] { gelu(x, Tensor::zeros({8})); }, "gelu: f32[5, 7] and bias f32[8]"},
      {"bias_gelu", "no_rows", [=] { gelu(row, row); }, "gelu: f32[7] and bias f32[7]"},
      {"bias_gelu", "bias_in_bf16", [=] { gelu(x.to(DType::bf16), row.to(DType::bf16)); },
       "gelu: bf16[5, 7] and bias bf16[7]"},
  };
  return family;
}

}  // namespace minissl::samples
