#include "tensor/ops/pooling.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

struct Case {
  const char* name;
  Shape x;
  int64_t window, stride, padding;
  double centre;
  bool small;
};

const Case max_cases[] = {
    {"stride2_odd", {2, 7, 5, 3}, 3, 2, 1, 0, true},
    {"gray", {1, 4, 4, 1}, 3, 2, 1, 0, true},
    {"overlapping", {1, 5, 4, 7}, 3, 1, 1, 0, true},
    // The last row and column are in no window: their gradient is zero, and must be written.
    {"left_over_pixels", {2, 5, 5, 3}, 2, 2, 0, 0, true},
    {"all_negative", {1, 5, 5, 3}, 3, 2, 1, -50, true},  // zeros of the padding would win
    {"one_pixel", {1, 1, 1, 3}, 3, 2, 1, 0, true},
    {"64_channels", {3, 33, 31, 64}, 3, 2, 1, 0, false},
};

const Shape average_cases[] = {{2, 3, 5, 3}, {1, 1, 1, 7}, {1, 4, 3, 1}, {3, 7, 7, 64}};

Tensors max_pool(const Tensor& x, const Case& c) {
  const ops::ConvolutionGeometry geometry{c.stride, c.padding};
  const Shape y{x.dim(0), geometry.output_extent(x.dim(1), c.window), geometry.output_extent(x.dim(2), c.window),
                x.dim(3)};
  ops::MaxPool op{x, like(x, y), Tensor::empty(y, DType::u8, x.device()), c.window, c.stride, c.padding};
  minissl::run(op);
  return {op.y, op.positions};
}

void add_max_pool(std::vector<Sample>& samples, const Case& c) {
  samples.push_back(
      {.operation = ops::MaxPool::name,
       .name = c.name,
       .inputs = {distinct(c.x, c.centre)},
       .run = [=](const Tensors& in) { return max_pool(in[0], c); },
       .function = "max_pool",
       .form = [=](const Variables& in) { return minissl::max_pool(in[0], c.window, c.stride, c.padding); },
       .differentiable = {true},
       .small = c.small,
       .bf16 = {true},
       .gradient_tolerance = roundings(8)});
  samples.push_back({.operation = ops::MaxPoolGradient::name,
                     .name = c.name,
                     .inputs = {distinct(c.x, c.centre)},
                     .derive =
                         [=](const Tensors& in) {
                           const Tensors out = max_pool(in[0], c);
                           const Tensor dy = normal(out[0].shape()).draw(out[0].shape(), Random(1, RandomSite::test));
                           return Tensors{dy, out[1]};
                         },
                     .run =
                         [=](const Tensors& in) {
                           ops::MaxPoolGradient op{in[0], in[1], like(in[0], c.x), c.window, c.stride, c.padding};
                           minissl::run(op);
                           return Tensors{op.dx};
                         },
                     .no_derivative = is_a_gradient,
                     .bf16 = {true, false},
                     .tolerance = roundings(8)});
}

void add_global_average_pool(std::vector<Sample>& samples, const Shape& x) {
  const Shape y{x[0], x[3]};
  const std::string name = fmt::format("{}", fmt::join(x.begin(), x.end(), "x"));
  samples.push_back({.operation = ops::GlobalAveragePool::name,
                     .name = name,
                     .inputs = {normal(x)},
                     .function = "global_average_pool",
                     .form = [](const Variables& in) { return global_average_pool(in[0]); },
                     .differentiable = {true},
                     .small = x.numel() < 1000,
                     .bf16 = {true},
                     .tolerance = sum_of(x[1] * x[2]),
                     .gradient_tolerance = roundings(1)});
  samples.push_back({.operation = ops::GlobalAveragePoolGradient::name,
                     .name = name,
                     .inputs = {normal(y)},
                     .run =
                         [=](const Tensors& in) {
                           ops::GlobalAveragePoolGradient op{in[0], like(in[0], x)};
                           minissl::run(op);
                           return Tensors{op.dx};
                         },
                     .no_derivative = is_a_gradient,
                     .tolerance = roundings(1)});
}

ErrorCase error(const char* name, const Shape& x, int64_t window, int64_t stride, int64_t padding,
                const char* message) {
  return {"max_pool", name, [=] { minissl::max_pool(Tensor::zeros(x), window, stride, padding); }, message};
}

}  // namespace

Family pooling_family() {
  Family family;
  for (const Case& c : max_cases) add_max_pool(family.samples, c);
  for (const Shape& x : average_cases) add_global_average_pool(family.samples, x);
  family.errors = {
      error("not_images", {4, 4, 3}, 3, 2, 1, "f32[4, 4, 3]"),
      error("image_too_small", {1, 2, 5, 3}, 3, 2, 0, "f32[1, 2, 5, 3]"),
      error("stride_of_zero", {1, 5, 5, 3}, 3, 0, 1, "stride 0"),
      error("padding_as_large_as_window", {1, 5, 5, 3}, 2, 2, 2, "padding 2"),  // windows of nothing but padding
      error("window_beyond_a_byte", {1, 40, 40, 1}, 17, 2, 1, "window of 17"),  // positions are bytes
      {"global_average_pool", "not_images",
       [] {
         global_average_pool(Tensor::zeros({4, 3}));
       },
       "f32[4, 3]"},
  };
  return family;
}

}  // namespace minissl::samples
