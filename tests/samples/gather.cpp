#include "tensor/ops/gather.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

struct Case {
  const char* name;
  Shape x;
  int64_t chosen;
};

const Case cases[] = {{"5x7", {5, 7}, 3},       {"one_row", {1, 4}, 1},      {"numbers", {6}, 4},
                      {"all", {4, 3}, 4},       {"images", {4, 3, 2, 5}, 2}, {"more_than_there_are", {3, 2}, 9},
                      {"large", {129, 257}, 70}};

Shape with_rows(Shape shape, int64_t rows) {
  shape[0] = rows;
  return shape;
}

// The first `count` rows of a shuffle: distinct.
Tensor first_of(const Tensor& shuffled, int64_t count) {
  const Tensor index = Tensor::zeros({count}, DType::i64);
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < shuffled.numel(); ++j) index.mutable_data<int64_t>()[i] += shuffled.at(j) < shuffled.at(i);
  return index;
}

void add_gather(std::vector<Sample>& samples, const Case& c) {
  const Shape y = with_rows(c.x, c.chosen);
  const bool small = c.x.numel() < 200;
  samples.push_back({.operation = ops::GatherRows::name,
                     .name = c.name,
                     .inputs = {normal(c.x), class_indices({c.chosen}, c.x[0])},
                     .function = "gather_rows",
                     .form = [](const Variables& in) { return gather_rows(in[0], in[1].value()); },
                     .differentiable = {true, false},
                     .small = small,
                     .bf16 = {true, false},
                     .gradient_tolerance = roundings(4)});
  samples.push_back(
      {.operation = ops::GatherRowsGradient::name,
       .name = c.name,
       .inputs = {normal(y), class_indices({c.chosen}, c.x[0])},
       .run = [rows = c.x[0]](const Tensors& in) { return Tensors{ops::gather_rows_gradient(in[0], in[1], rows)}; },
       .no_derivative = is_a_gradient,
       .bf16 = {true, false},
       .tolerance = roundings(4)});
}

void add_distinct(std::vector<Sample>& samples, const Case& c) {
  const bool small = c.x.numel() < 200;
  const auto choose = [count = c.chosen](const Tensors& in) { return Tensors{in[0], first_of(in[1], count)}; };
  samples.push_back({.operation = ops::GatherRows::name,
                     .name = std::string(c.name) + "_distinct",
                     .inputs = {normal(c.x), distinct({c.x[0]})},
                     .derive = choose,
                     .function = "gather_rows",
                     .form = [](const Variables& in) { return gather_rows(in[0], in[1].value(), Repeats::none); },
                     .differentiable = {true, false},
                     .small = small,
                     .bf16 = {true, false}});
  samples.push_back({.operation = ops::ScatterRows::name,
                     .name = c.name,
                     .inputs = {normal(with_rows(c.x, c.chosen)), distinct({c.x[0]})},
                     .derive = choose,
                     .function = "scatter_rows",
                     .form = [rows = c.x[0]](const Variables& in) { return scatter_rows(in[0], in[1].value(), rows); },
                     .differentiable = {true, false},
                     .small = small,
                     .bf16 = {true, false}});
}

Sample another_shape() {
  return {.operation = "view",
          .name = "4x6",
          .inputs = {normal({2, 3, 4})},
          .function = "view",
          .form =
              [](const Variables& in) {
                return view(in[0], {4, 6});
              },
          .differentiable = {true}};
}

Tensor indices(const std::vector<int64_t>& values) {
  return Tensor::from({static_cast<int64_t>(values.size())}, values);
}

}  // namespace

Family gather_family() {
  Family family;
  for (const Case& c : cases) {
    add_gather(family.samples, c);
    if (c.chosen <= c.x[0]) add_distinct(family.samples, c);
  }
  family.samples.push_back(another_shape());

  const Tensor x = Tensor::zeros({5, 7});
  family.errors = {
      {"gather_rows", "no_such_row",
       [=] {
         gather_rows(x, indices({0, 5}));
       },
       "index 5 is out of the range of 5 rows"},
      {"gather_rows", "negative", [=] { gather_rows(x, indices({-1})); }, "index -1 is out of the range of 5 rows"},
      {"gather_rows", "index_of_another_type", [=] { gather_rows(x, Tensor::zeros({2})); }, "i64 (K), not f32[2]"},
      {"gather_rows", "index_of_another_rank",
       [=] {
         gather_rows(x, Tensor::zeros({2, 1}, DType::i64));
       },
       "i64 (K), not i64[2, 1]"},
      {"gather_rows", "scalar", [] { gather_rows(Tensor::zeros({}), indices({0})); }, "f32[] has no rows"},
      {"scatter_rows", "a_row_twice",
       [=] {
         scatter_rows(x, indices({0, 1, 2, 3, 1}), 9);
       },
       "index 1 is there twice"},
      {"scatter_rows", "no_such_row",
       [=] {
         scatter_rows(x, indices({0, 1, 2, 3, 4}), 4);
       },
       "index 4 is out of the range of 4 rows"},
      {"scatter_rows", "index_too_short",
       [=] {
         scatter_rows(x, indices({0, 1}), 9);
       },
       "i64[2] has not one element for each row of f32[5, 7]"},
      {"gather_rows_gradient", "index_too_long",
       [=] {
         ops::gather_rows_gradient(x, indices({0, 1, 2, 3, 4, 0}), 9);
       },
       "i64[6] has not one element for each row of f32[5, 7]"},
      {"view", "other_count",
       [=] {
         view(x, {5, 8});
       },
       "f32[5, 7]"},
  };
  return family;
}

}  // namespace minissl::samples
