#include "tensor/ops/gather.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

// Rows of x, or, where `index` has two dimensions, of each image of x.
struct Case {
  const char* name;
  Shape x, index;

  int64_t rows() const { return x[index.rank() - 1]; }
  int64_t chosen() const { return index[-1]; }
  bool small() const { return x.numel() < 200; }
  Shape with_rows(int64_t count) const {
    Shape shape = x;
    shape[index.rank() - 1] = count;
    return shape;
  }
  Shape index_with(int64_t count) const {
    Shape shape = index;
    shape[-1] = count;
    return shape;
  }
};

const Case cases[] = {{"5x7", {5, 7}, {3}},
                      {"one_row", {1, 4}, {1}},
                      {"numbers", {6}, {4}},
                      {"all", {4, 3}, {4}},
                      {"images", {4, 3, 2, 5}, {2}},
                      {"more_than_there_are", {3, 2}, {9}},
                      {"large", {129, 257}, {70}},
                      {"tokens", {3, 5, 4}, {3, 2}},
                      {"numbers_of_images", {2, 6}, {2, 4}},
                      {"tokens_taken_often", {2, 3, 2}, {2, 8}},
                      {"many_tokens", {7, 65, 33}, {7, 16}}};

// The first `count` rows of a shuffle, of each image: distinct.
Tensor first_of(const Tensor& shuffled, int64_t count) {
  const int64_t rows = shuffled.dim(-1), images = shuffled.numel() / rows;
  Shape shape = shuffled.shape();
  shape[-1] = count;
  const Tensor index = Tensor::zeros(shape, DType::i64);
  for (int64_t n = 0; n < images; ++n)
    for (int64_t i = 0; i < count; ++i)
      for (int64_t j = 0; j < rows; ++j)
        index.mutable_data<int64_t>()[n * count + i] += shuffled.at(n * rows + j) < shuffled.at(n * rows + i);
  return index;
}

void add_gather(std::vector<Sample>& samples, const Case& c) {
  samples.push_back({.operation = ops::GatherRows::name,
                     .name = c.name,
                     .inputs = {normal(c.x), class_indices(c.index, c.rows())},
                     .function = "gather_rows",
                     .form = [](const Variables& in) { return gather_rows(in[0], in[1].value()); },
                     .differentiable = {true, false},
                     .small = c.small(),
                     .bf16 = {true, false},
                     .gradient_tolerance = roundings(4)});
  samples.push_back(
      {.operation = ops::GatherRowsGradient::name,
       .name = c.name,
       .inputs = {normal(c.with_rows(c.chosen())), class_indices(c.index, c.rows())},
       .run = [rows = c.rows()](const Tensors& in) { return Tensors{ops::gather_rows_gradient(in[0], in[1], rows)}; },
       .no_derivative = is_a_gradient,
       .bf16 = {true, false},
       .tolerance = roundings(4)});
}

void add_distinct(std::vector<Sample>& samples, const Case& c) {
  const auto choose = [count = c.chosen()](const Tensors& in) { return Tensors{in[0], first_of(in[1], count)}; };
  samples.push_back({.operation = ops::GatherRows::name,
                     .name = std::string(c.name) + "_distinct",
                     .inputs = {normal(c.x), distinct(c.index_with(c.rows()))},
                     .derive = choose,
                     .function = "gather_rows",
                     .form = [](const Variables& in) { return gather_rows(in[0], in[1].value(), Repeats::none); },
                     .differentiable = {true, false},
                     .small = c.small(),
                     .bf16 = {true, false}});
  samples.push_back(
      {.operation = ops::ScatterRows::name,
       .name = c.name,
       .inputs = {normal(c.with_rows(c.chosen())), distinct(c.index_with(c.rows()))},
       .derive = choose,
       .function = "scatter_rows",
       .form = [rows = c.rows()](const Variables& in) { return scatter_rows(in[0], in[1].value(), rows); },
       .differentiable = {true, false},
       .small = c.small(),
       .bf16 = {true, false}});
}

// Every second row is the fill, as far as `index` is random, or, for distinct rows, all beyond half of x's.
void add_fill(std::vector<Sample>& samples, const Case& c) {
  const int64_t half = (c.rows() + 1) / 2;
  const Shape row(c.x.begin() + c.index.rank(), c.x.end());
  const auto add = [&](const std::string& name, const Input& index, Repeats repeats, const Tolerance& gradient) {
    samples.push_back(
        {.operation = ops::GatherRows::name,
         .name = std::string(c.name) + "_or_fill" + name,
         .inputs = {normal(c.with_rows(half)), index, normal(row)},
         .derive =
             [repeats, rows = c.rows()](const Tensors& in) {
               return repeats == Repeats::none ? Tensors{in[0], first_of(in[1], rows), in[2]} : in;
             },
         .function = "gather_rows_or",
         .form = [repeats](const Variables& in) { return gather_rows_or(in[0], in[1].value(), in[2], repeats); },
         .differentiable = {true, false, true},
         .small = c.small(),
         .bf16 = {true, false, false},
         .gradient_tolerance = gradient});
  };
  const Shape all = c.index_with(c.rows());
  add("", class_indices(all, 2 * half), Repeats::allowed, sum_of(all.numel()));
  add("_distinct", distinct(all), Repeats::none, sum_of(all.numel()));
  samples.push_back({.operation = ops::GatherFillGradient::name,
                     .name = c.name,
                     .inputs = {normal(c.x), class_indices(all, 2 * half)},
                     .run =
                         [row, half](const Tensors& in) {
                           ops::GatherFillGradient op{
                               in[0], in[1], Tensor::empty(row, master_type(in[0].dtype()), in[0].device()), half};
                           minissl::run(op);
                           return Tensors{op.dfill};
                         },
                     .no_derivative = is_a_gradient,
                     .bf16 = {true, false},
                     .tolerance = sum_of(all.numel())});
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
    if (c.chosen() <= c.rows()) add_distinct(family.samples, c);
    if (c.rows() > 3) add_fill(family.samples, c);
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
      {"gather_rows", "index_of_another_type", [=] { gather_rows(x, Tensor::zeros({2})); },
       "i64 (K), or (N, K) for N images, not f32[2]"},
      {"gather_rows", "index_of_other_images",
       [=] {
         gather_rows(x, Tensor::zeros({2, 1}, DType::i64));
       },
       "the index i64[2, 1] is not for the images of f32[5, 7]"},
      {"gather_rows", "scalar", [] { gather_rows(Tensor::zeros({}), indices({0})); },
       "f32[] has no rows for an index i64[1]"},
      {"gather_rows", "index_of_three_dimensions",
       [=] {
         gather_rows(x, Tensor::zeros({5, 1, 1}, DType::i64));
       },
       "i64 (K), or (N, K) for N images, not i64[5, 1, 1]"},
      {"gather_rows", "fill_too_long", [=] { gather_rows_or(x, indices({0}), Tensor::zeros({8})); },
       "fill f32[8] is not a row of f32[5, 7]"},
      {"gather_rows", "fill_of_another_type", [=] { gather_rows_or(x, indices({0}), Tensor::zeros({7}, DType::f64)); },
       "fill f64[7] is not a row of f32[5, 7]"},
      {"scatter_rows", "a_row_twice_in_an_image",
       [=] {
         scatter_rows(Tensor::zeros({2, 2, 1}), Tensor::from<int64_t>({2, 2}, std::vector<int64_t>{0, 1, 1, 1}), 9);
       },
       "index 1 is there twice"},
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
