#include "tensor/ops/softmax.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

struct Case {
  const char* name;
  int64_t rows, width;
  double spread, scale;
  bool noisy = false;
  bool small = true;
};

// Rows longer than a block has threads, and longer than a piece of their sums.
const Case cases[] = {{"odd", 3, 7, 1, 1},
                      {"one_element", 2, 1, 1, 1},
                      {"sharp", 4, 9, 6, 2},
                      {"noisy", 3, 5, 1, 0.9, true},
                      {"long_rows", 2, 8193, 2, 1, true, false}};

Tolerance of_exponentials(const Case& c) {
  return {roundings(8).relative * (8 + 16 * c.spread * c.scale), "exp() makes absolute errors of logits relative"};
}

std::vector<Input> rows_and_noise(const Case& c) {
  std::vector<Input> inputs{normal({c.rows, c.width}, 0, c.spread)};
  if (c.noisy) inputs.push_back(normal({c.rows, c.width}));
  return inputs;
}

void add_softmax(std::vector<Sample>& samples, const Case& c) {
  samples.push_back(
      {.operation = ops::Softmax::name,
       .name = c.name,
       .inputs = rows_and_noise(c),
       .function = "softmax",
       .form = [c](const Variables& in) { return softmax(in[0], c.scale, c.noisy ? in[1].value() : Tensor()); },
       .differentiable = c.noisy ? std::vector<bool>{true, false} : std::vector<bool>{true},
       .small = c.small,
       .tolerance = of_exponentials(c),
       .gradient_tolerance = of_exponentials(c)});
  samples.push_back({.operation = ops::SoftmaxGradient::name,
                     .name = c.name,
                     .inputs = {normal({c.rows, c.width}), normal({c.rows, c.width}, 0, c.spread)},
                     .derive =
                         [c](const Tensors& in) {
                           return Tensors{in[0], softmax(in[1], c.scale).value()};
                         },
                     .run =
                         [c](const Tensors& in) {
                           ops::SoftmaxGradient op{in[0], in[1], like(in[0], in[0].shape()), c.scale};
                           minissl::run(op);
                           return Tensors{op.dx};
                         },
                     .no_derivative = is_a_gradient,
                     .tolerance = of_exponentials(c)});
}

ops::SoftmaxEntropy entropy_of(const Tensor& x) {
  ops::SoftmaxEntropy op{x, like(x, {x.dim(0)}), like(x, {x.dim(0)})};
  minissl::run(op);
  return op;
}

void add_entropy(std::vector<Sample>& samples, const Case& c) {
  const Input x = normal({c.rows, c.width}, 0, c.spread);
  samples.push_back({.operation = ops::SoftmaxEntropy::name,
                     .name = c.name,
                     .inputs = {x},
                     .run =
                         [](const Tensors& in) {
                           const ops::SoftmaxEntropy op = entropy_of(in[0]);
                           return Tensors{op.y, op.log_sum_exp};
                         },
                     .function = "softmax_entropy",
                     .form = [](const Variables& in) { return softmax_entropy(in[0]); },
                     .differentiable = {true},
                     .small = c.small,
                     .tolerance = of_exponentials(c),
                     .gradient_tolerance = of_exponentials(c)});
  samples.push_back({.operation = ops::SoftmaxEntropyGradient::name,
                     .name = c.name,
                     .inputs = {normal({c.rows}), x},
                     .derive =
                         [](const Tensors& in) {
                           const ops::SoftmaxEntropy op = entropy_of(in[1]);
                           return Tensors{in[0], in[1], op.y, op.log_sum_exp};
                         },
                     .run =
                         [](const Tensors& in) {
                           ops::SoftmaxEntropyGradient op{in[0], in[1], in[2], in[3], like(in[1], in[1].shape())};
                           minissl::run(op);
                           return Tensors{op.dx};
                         },
                     .no_derivative = is_a_gradient,
                     .tolerance = of_exponentials(c)});
}

}  // namespace

Family softmax_family() {
  Family family;
  for (const Case& c : cases) {
    add_softmax(family.samples, c);
    if (!c.noisy || !c.small) add_entropy(family.samples, c);
  }
  family.errors = {
      {"softmax", "not_rows",
       [] {
         softmax(Tensor::zeros({2, 3, 4}), 1);
       },
       "needs rows (N, D)"},
      {"softmax", "noise_of_another_shape",
       [] {
         softmax(Tensor::zeros({2, 3}), 1, Tensor::zeros({3, 2}));
       },
       "not f32[2, 3] and f32[3, 2]"},
      {"softmax_entropy", "not_rows", [] { softmax_entropy(Tensor::zeros({4})); }, "not f32[4]"},
  };
  return family;
}

}  // namespace minissl::samples
