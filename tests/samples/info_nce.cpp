#include "tensor/ops/info_nce.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

struct Case {
  const char* name;
  int64_t rows, dim, negatives;
  double temperature;
  bool small;
};

const Case cases[] = {
    {"odd", 5, 7, 3, 0.5, true},
    {"one_row", 1, 3, 7, 1, true},
    {"one_negative", 3, 5, 1, 0.3, true},
    {"sharp", 4, 9, 11, 0.07, true},
    {"two_blocks", 3, 8, 257, 0.2, false},     // on the CPU, as two_parts
    {"two_parts", 300, 16, 4099, 0.2, false},  // of rows and of keys
    {"queue", 2, 8, 20001, 0.07, false},       // three blocks on a GPU
};

// Unit vectors, as encoders give them.
Input directions(const Shape& shape) {
  Input input = normal(shape);
  input.draw = [draw = input.draw](const Shape& shape, const Random& random) {
    Tensor rows = draw(shape, random);
    for (int64_t n = 0; n < shape[0]; ++n) {
      double* row = rows.mutable_data<double>() + n * shape[1];
      double square = 0;
      for (int64_t d = 0; d < shape[1]; ++d) square += row[d] * row[d];
      for (int64_t d = 0; d < shape[1]; ++d) row[d] = static_cast<float>(row[d] / std::sqrt(square));
    }
    return rows;
  };
  return input;
}

Tensors all_outputs(const Tensors& in, double temperature) {
  const Tensor& q = in[0];
  const int64_t rows = q.dim(0);
  ops::InfoNce op{
      q,          in[1], in[2], like(q, {1}), like(q, {rows, 1}), like(q, {rows}), like(q, {rows}), like(q, q.shape()),
      temperature};
  minissl::run(op);
  return {op.loss, op.positive, op.log_sum_exp, op.negative_share, op.excess};
}

void add(std::vector<Sample>& samples, const Case& c) {
  const Shape queries{c.rows, c.dim};
  // exp() turns absolute errors of the logits (dot products of about 1 divided by the temperature) into relative ones.
  const Tolerance tolerance{sum_of(c.dim).relative * 2 / c.temperature,
                            "the errors of dot products, divided by the temperature"};
  const std::vector<Input> inputs{directions(queries), directions(queries), directions({c.negatives, c.dim})};
  samples.push_back(
      {.operation = ops::InfoNce::name,
       .name = c.name,
       .inputs = inputs,
       .run = [c](const Tensors& in) { return all_outputs(in, c.temperature); },
       .function = "info_nce",
       .form = [c](const Variables& in) { return info_nce(in[0], in[1], in[2].value(), c.temperature).loss; },
       .differentiable = {true, true, false},
       .small = c.small,
       .tolerance = tolerance,
       .gradient_tolerance = tolerance});
  samples.push_back({.operation = ops::InfoNce::name,
                     .name = std::string(c.name) + "_without_gradient",
                     .inputs = inputs,
                     .run =
                         [c](const Tensors& in) {
                           const InfoNce result = info_nce(in[0], in[1], in[2], c.temperature);
                           return Tensors{result.loss.value(), result.positive, result.log_sum_exp};
                         },
                     .no_derivative = "nothing is recorded",
                     .tolerance = tolerance});
  samples.push_back(
      {.operation = ops::InfoNceGradient::name,
       .name = c.name,
       .inputs = {normal({1}), normal(queries), uniform({c.rows}, 0, 1), normal(queries)},
       .run =
           [c](const Tensors& in) {
             ops::InfoNceGradient op{
                 in[0], in[1], in[2], in[3], like(in[3], in[3].shape()), like(in[3], in[3].shape()), c.temperature};
             minissl::run(op);
             return Tensors{op.dq, op.dk};
           },
       .no_derivative = is_a_gradient,
       .tolerance = roundings(4)});
}

ErrorCase error(const char* name, const Tensor& q, const Tensor& k, const Tensor& negatives, double temperature,
                const char* message) {
  return {"info_nce", name, [=] { info_nce(q, k, negatives, temperature); }, message};
}

}  // namespace

Family info_nce_family() {
  Family family;
  for (const Case& c : cases) add(family.samples, c);
  const auto zeros = [](const Shape& shape, DType type = DType::f32) { return Tensor::zeros(shape, type); };
  const Tensor q = zeros({2, 3}), negatives = zeros({5, 3});
  family.errors = {
      error("other_keys", q, zeros({3, 3}), negatives, 1, "queries f32[2, 3] and keys f32[3, 3]"),
      error("keys_of_another_type", q, zeros({2, 3}, DType::f64), negatives, 1, "keys f64[2, 3]"),
      error("not_matrices", zeros({2}), zeros({2}), negatives, 1, "queries f32[2]"),
      error("other_dimensions", q, q, zeros({5, 4}), 1, "negatives f32[5, 4] (K, D) don't fit queries f32[2, 3]"),
      error("no_negatives", q, q, zeros({0, 3}), 1, "negatives f32[0, 3]"),
      error("negatives_of_another_type", q, q, zeros({5, 3}, DType::f64), 1, "negatives f64[5, 3]"),
      error("temperature_zero", q, q, negatives, 0, "above 0, not 0"),
  };
  return family;
}

}  // namespace minissl::samples
