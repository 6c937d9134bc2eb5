#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

struct Case {
  const char* name;
  int64_t m, n, k;
  bool small;
  std::vector<int64_t> leading = {};
};

const Case cases[] = {
    {"odd", 5, 7, 3, true},
    {"one_row", 1, 3, 7, true},
    {"one_column", 7, 1, 5, true},
    {"dot_product", 1, 1, 64, true},
    {"large", 129, 65, 257, false},
    {"queue", 16, 4097, 128, false},  // InfoNCE's logits
    {"long_sums", 33, 64, 2049, false},
    // What MatrixProduct does by shape: sums in pieces, all of b packed before, several tiles of rows and of columns,
    // few rows, the smaller factor packed.
    {"sums_in_pieces", 70, 37, 7000, false},
    {"many_rows", 530, 301, 200, false},
    {"many_rows_of_short_sums", 700, 48, 30, false},
    {"many_columns", 100, 520, 390, false},
    {"few_rows", 7, 64, 400, false},
    {"batch", 5, 3, 4, true, {3}},
    {"batch_of_one", 2, 3, 4, true, {1}},
    {"batch_of_dot_products", 1, 1, 7, true, {2, 3}},
    {"heads", 3, 2, 4, true, {2, 1, 3}},
    {"attention", 65, 65, 64, false, {2, 3}},
    {"batch_of_long_sums", 9, 17, 2049, false, {5}},
};

Shape after(std::vector<int64_t> leading, int64_t rows, int64_t columns) {
  leading.insert(leading.end(), {rows, columns});
  return {leading.begin(), leading.end()};
}

// One matrix for all rows of a, as for tokens and the weights of a layer.
void add_shared(Family& family, const char* name, const Shape& a, int64_t n, bool small) {
  const int64_t k = a[-1], rows = a.leading(1);
  for (const bool tb : {false, true})
    family.samples.push_back({.operation = ops::MatMul::name,
                              .name = fmt::format("{}{}", name, tb ? "_b_transposed" : ""),
                              .inputs = {normal(a), normal(tb ? Shape{n, k} : Shape{k, n})},
                              .function = "matmul",
                              .form =
                                  [=](const Variables& in) {
                                    return matmul(in[0], in[1], {false, tb});
                                  },
                              .differentiable = {true, true},
                              .small = small,
                              .bf16 = {true, true},
                              .tolerance = sum_of(k),
                              .gradient_tolerance = sum_of(std::max(rows, n))});
}

void add_linear(Family& family, const std::string& name, const Shape& x, int64_t out, bool bias, bool residual) {
  const bool small = x.numel() < 100;
  Shape y = x;
  y[-1] = out;
  Sample sample{.operation = "linear",
                .name = fmt::format("{}{}{}", name, bias ? "_with_bias" : "", residual ? "_with_residual" : ""),
                .inputs = {normal(x), normal({out, x[-1]})},
                .function = "linear",
                .form =
                    [=](const Variables& in) {
                      return linear(in[0], in[1], bias ? in[2] : Variable(), residual ? in[bias ? 3 : 2] : Variable());
                    },
                .differentiable = {true, true},
                .small = small,
                .bf16 = {true, true},
                .tolerance = sum_of(x[-1] + bias + residual),
                .gradient_tolerance = sum_of(std::max(out, x.leading(1)))};
  const auto add = [&](const Input& input, bool bf16) {
    sample.inputs.push_back(input);
    sample.differentiable.push_back(true);
    sample.bf16.push_back(bf16);
  };
  if (bias) add(normal({out}), false);
  if (residual) add(normal(y), true);
  family.samples.push_back(sample);
}

}  // namespace

Family matmul_family() {
  Family family;
  for (const Case& c : cases)
    for (const bool ta : {false, true})
      for (const bool tb : {false, true}) {
        const Shape a = ta ? after(c.leading, c.k, c.m) : after(c.leading, c.m, c.k);
        const Shape b = tb ? after(c.leading, c.n, c.k) : after(c.leading, c.k, c.n);
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
             .bf16 = {true, true},
             .tolerance = sum_of(c.k),
             .gradient_tolerance = sum_of(std::max(c.m, c.n))});
        family.errors.push_back({ops::MatMul::name, fmt::format("{}_{}{}", c.name, ta, tb),
                                 [=] {
                                   const Tensor right = Tensor::zeros(b);
                                   Shape left = a;
                                   ++left[ta ? -2 : -1];
                                   ops::matmul(Tensor::zeros(left), right, {ta, tb});
                                 },
                                 fmt::format("and f32{}{} don't fit", b.str(), tb ? " transposed" : "")});
      }
  add_shared(family, "shared_right", {2, 3, 4}, 5, true);
  add_shared(family, "shared_right_of_images", {2, 1, 3, 4}, 3, true);
  add_shared(family, "tokens", {3, 65, 96}, 130, false);
  for (const bool bias : {false, true})
    for (const bool residual : {false, true}) {
      add_linear(family, "of_rows", {5, 3}, 7, bias, residual);
      add_linear(family, "of_tokens", {2, 3, 4}, 7, bias, residual);
      add_linear(family, "of_many_tokens", {3, 65, 96}, 130, bias, residual);
    }
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
  const auto error = [&](const char* name, const Shape& a, const Shape& b, ops::Transposed transposed,
                         const char* message) {
    family.errors.push_back(
        {"matmul", name, [=] { ops::matmul(Tensor::zeros(a), Tensor::zeros(b), transposed); }, message});
  };
  error("leading_dimensions_differ", {2, 3, 4}, {3, 4, 5}, {}, "f32[2, 3, 4] and f32[3, 4, 5] don't fit");
  error("ranks_differ", {2, 2, 3, 4}, {2, 4, 5}, {}, "f32[2, 2, 3, 4] and f32[2, 4, 5] don't fit");
  error("left_has_no_leading_dimensions", {3, 4}, {2, 4, 5}, {}, "f32[3, 4] and f32[2, 4, 5] don't fit");
  error("shared_right_of_transposed", {2, 4, 3}, {4, 5}, {true, false}, "f32[2, 4, 3] transposed and f32[4, 5]");
  error("shared_right_too_tall", {2, 3, 4}, {5, 4}, {}, "f32[2, 3, 4] and f32[5, 4] don't fit");
  family.errors.push_back({"linear", "too_many_features",
                           [] {
                             linear(Tensor::zeros({2, 5, 3}), Tensor::zeros({7, 4}), {});
                           },
                           "f32[2, 5, 3] and f32[7, 4] transposed don't fit"});
  family.errors.push_back({"linear", "bias_too_long",
                           [] {
                             linear(Tensor::zeros({5, 3}), Tensor::zeros({7, 3}), Tensor::zeros({8}));
                           },
                           "weight f32[7, 3] and bias f32[8] don't fit"});
  family.errors.push_back({"linear", "residual_of_another_shape",
                           [] {
                             linear(Tensor::zeros({5, 3}), Tensor::zeros({7, 3}), {}, Tensor::zeros({5, 3}));
                           },
                           "the residual f32[5, 3] has not the shape [5, 7]"});
  family.errors.push_back({"linear", "weight_of_other_features",
                           [] {
                             linear(Tensor::zeros({5, 3}), Tensor::zeros({7, 4}), Tensor::zeros({7}));
                           },
                           "f32[5, 3] and weight f32[7, 4] don't fit"});
  return family;
}

}  // namespace minissl::samples
