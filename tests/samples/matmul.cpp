#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

struct Case {
  const char* name;
  int64_t m, n, k;
  bool small;
};

const Case cases[] = {
    {"odd", 5, 7, 3, true},
    {"one_row", 1, 3, 7, true},
    {"one_column", 7, 1, 5, true},
    {"dot_product", 1, 1, 64, true},
    {"large", 129, 65, 257, false},
    {"queue", 16, 4097, 128, false},  // InfoNCE's logits
    {"long_sums", 33, 64, 2049, false},
};

}  // namespace

Family matmul_family() {
  Family family;
  for (const Case& c : cases)
    for (const bool ta : {false, true})
      for (const bool tb : {false, true}) {
        const Shape a = ta ? Shape{c.k, c.m} : Shape{c.m, c.k}, b = tb ? Shape{c.n, c.k} : Shape{c.k, c.n};
        family.samples.push_back(
            {.operation = ops::MatMul::name,
             .name = fmt::format("{}{}{}", c.name, ta ? "_a_transposed" : "", tb ? "_b_transposed" : ""),
             .inputs = {normal(a), normal(b)},
             .function = "matmul",
             .form =
                 [=](const Variables& in) {
                   return matmul(in[0], in[1], {ta, tb});
                 },
             .differentiable = {true, true},
             .small = c.small,
             .tolerance = sum_of(c.k),
             .gradient_tolerance = sum_of(std::max(c.m, c.n)),
             .thread_variant = c.k > 256 ? "oneDNN cuts long sums into parts for several threads" : ""});
        family.errors.push_back(
            {ops::MatMul::name, fmt::format("{}_{}{}", c.name, ta, tb),
             [=] {
               const Tensor right = Tensor::zeros(b);
               ops::matmul(Tensor::zeros({a[0] + (ta ? 1 : 0), a[1] + (ta ? 0 : 1)}), right, {ta, tb});
             },
             fmt::format("and f32{}{} don't fit", b.str(), tb ? " transposed" : "")});
      }
  family.samples.push_back({.operation = "linear",
                            .name = "with_bias",
                            .inputs = {normal({5, 3}), normal({7, 3}), normal({7})},
                            .function = "linear",
                            .form = [](const Variables& in) { return linear(in[0], in[1], in[2]); },
                            .differentiable = {true, true, true},
                            .tolerance = sum_of(4),
                            .gradient_tolerance = sum_of(7)});
  family.samples.push_back({.operation = "linear",
                            .name = "without_bias",
                            .inputs = {normal({5, 3}), normal({7, 3})},
                            .function = "linear",
                            .form = [](const Variables& in) { return linear(in[0], in[1], {}); },
                            .differentiable = {true, true},
                            .tolerance = sum_of(3),
                            .gradient_tolerance = sum_of(7)});
  family.errors.push_back({"matmul", "not_matrices",
                           [] {
                             ops::matmul(Tensor::zeros({3}), Tensor::zeros({3, 2}));
                           },
                           "f32[3] and f32[3, 2]"});
  family.errors.push_back({"matmul", "types_differ",
                           [] {
                             ops::matmul(Tensor::zeros({2, 3}), Tensor::zeros({3, 2}, DType::f64));
                           },
                           "f64[3, 2]"});
  family.errors.push_back({"linear", "bias_too_long",
                           [] {
                             linear(Tensor::zeros({5, 3}), Tensor::zeros({7, 3}), Tensor::zeros({8}));
                           },
                           "f32[5, 7] and f32[8]"});
  return family;
}

}  // namespace minissl::samples
