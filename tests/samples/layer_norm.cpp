#include "tensor/ops/layer_norm.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

// The last one has enough rows for several blocks of the sums over rows.
const Shape shapes[] = {{5, 7}, {2, 3, 4}, {1, 64}, {2, 3, 1, 5}, {129, 257}, {3, 70, 33}};

std::string name_of(const Shape& s) { return fmt::format("{}", fmt::join(s.begin(), s.end(), "x")); }

ops::LayerNorm forward(const Tensors& in, double eps) {
  const Tensor& x = in[0];
  const Tensor mean = like(in[1], {x.shape().leading(1)});
  ops::LayerNorm op{x, in[1], in[2], like(x, x.shape()), mean, like(mean, mean.shape()), eps};
  minissl::run(op);
  return op;
}

void add(std::vector<Sample>& samples, const Shape& x, double eps, const std::string& name) {
  const Shape row{x[-1]};
  const int64_t rows = x.leading(1);
  samples.push_back({.operation = ops::LayerNorm::name,
                     .name = name,
                     .inputs = {normal(x, 0.5, 2), normal(row, 1), normal(row)},
                     .run =
                         [eps](const Tensors& in) {
                           const ops::LayerNorm op = forward(in, eps);
                           return Tensors{op.y, op.mean, op.rstd};
                         },
                     .function = "layer_norm",
                     .form = [eps](const Variables& in) { return layer_norm(in[0], in[1], in[2], eps); },
                     .differentiable = {true, true, true},
                     .small = x.numel() < 200,
                     .bf16 = {true, false, false},
                     .tolerance = sum_of(x[-1]),
                     .gradient_tolerance = sum_of(std::max(x[-1], rows))});
  samples.push_back({.operation = ops::LayerNormGradient::name,
                     .name = name,
                     .inputs = {normal(x), normal(x, 0.5, 2), normal(row, 1)},
                     .derive =
                         [eps](const Tensors& in) {
                           const ops::LayerNorm op = forward({in[1], in[2], in[2]}, eps);
                           return Tensors{in[0], in[1], in[2], op.mean, op.rstd};
                         },
                     .run =
                         [](const Tensors& in) {
                           const auto like_row = [&] { return like(in[2], in[2].shape()); };
                           ops::LayerNormGradient op{
                               in[0], in[1], in[2], in[3], in[4], like(in[0], in[0].shape()), like_row(), like_row()};
                           minissl::run(op);
                           ops::LayerNormGradient in_place = op;
                           in_place.dy = in_place.dx = in[0].clone();
                           in_place.dweight = like_row(), in_place.dbias = like_row();
                           minissl::run(in_place);
                           ops::LayerNormGradient input_alone = op;
                           input_alone.dx = like(in[0], in[0].shape());
                           input_alone.dweight = input_alone.dbias = Tensor();
                           minissl::run(input_alone);
                           return Tensors{op.dx,          op.dweight,    op.dbias, in_place.dx, in_place.dweight,
                                          in_place.dbias, input_alone.dx};
                         },
                     .no_derivative = is_a_gradient,
                     .bf16 = {true, true, false, false, false},
                     .tolerance = sum_of(std::max(x[-1], rows))});
}

}  // namespace

Family layer_norm_family() {
  Family family;
  for (const Shape& x : shapes) add(family.samples, x, 1e-6, name_of(x));
  add(family.samples, {5, 7}, 0.5, "large_eps");

  const Tensor x = Tensor::zeros({5, 7}), row = Tensor::zeros({7});
  family.errors = {
      {"layer_norm", "weight_too_long", [=] { layer_norm(x, Tensor::zeros({8}), row); },
       "weight f32[8] doesn't fit f32[5, 7]"},
      {"layer_norm", "bias_of_another_type", [=] { layer_norm(x, row, row.to(DType::f64)); },
       "bias f64[7] doesn't fit f32[5, 7]"},
      {"layer_norm", "no_rows", [=] { layer_norm(row, row, row); }, "weight f32[7] doesn't fit f32[7]"},
      {"layer_norm", "eps_zero", [=] { layer_norm(x, row, row, 0); }, "eps must be above 0, not 0"},
  };
  return family;
}

}  // namespace minissl::samples
