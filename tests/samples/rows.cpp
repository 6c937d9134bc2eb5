#include "tensor/ops/rows.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

// (N, D)
const Shape shapes[] = {{5, 7}, {3, 1}, {2, 64}, {129, 257}};

std::string name_of(const Shape& s) { return fmt::format("{}", fmt::join(s.begin(), s.end(), "x")); }
bool is_small(const Shape& s) { return s.numel() < 200; }

// The position of each number in sorted order: a permutation.
Tensor ranks(const Tensor& numbers) {
  const Tensor order = Tensor::zeros(numbers.shape(), DType::i64);
  for (int64_t i = 0; i < numbers.numel(); ++i)
    for (int64_t j = 0; j < numbers.numel(); ++j) order.mutable_data<int64_t>()[i] += numbers.at(j) < numbers.at(i);
  return order;
}

void add_add_row(std::vector<Sample>& samples, const Shape& x) {
  samples.push_back({.operation = ops::AddRow::name,
                     .name = name_of(x),
                     .inputs = {normal(x), normal({x[-1]})},
                     .function = "add_row",
                     .form = [](const Variables& in) { return add_row(in[0], in[1]); },
                     .differentiable = {true, true},
                     .small = is_small(x),
                     .bf16 = {true, false},
                     .tolerance = roundings(1),
                     .gradient_tolerance = sum_of(x.leading(1))});
}

void add_rows(std::vector<Sample>& samples, const Shape& x) {
  const int64_t n = x[0], d = x[1];
  add_add_row(samples, x);
  samples.push_back({.operation = ops::RowDot::name,
                     .name = name_of(x),
                     .inputs = {normal(x), normal(x)},
                     .function = "rowwise_dot",
                     .form = [](const Variables& in) { return rowwise_dot(in[0], in[1]); },
                     .differentiable = {true, true},
                     .small = is_small(x),
                     .tolerance = sum_of(d),
                     .gradient_tolerance = roundings(1)});
  samples.push_back({.operation = ops::RowScale::name,
                     .name = name_of(x),
                     .inputs = {normal({n, 1}), normal(x)},
                     .run =
                         [](const Tensors& in) {
                           ops::RowScale op{in[0], in[1], like(in[1], in[1].shape())};
                           minissl::run(op);
                           return Tensors{op.dx};
                         },
                     .no_derivative = is_a_gradient,
                     .tolerance = roundings(1)});
  samples.push_back({.operation = ops::RowScale::name,
                     .name = name_of(x) + "_differentiable",
                     .inputs = {normal(x), normal({n, 1})},
                     .function = "scale_rows",
                     .form = [](const Variables& in) { return scale_rows(in[0], in[1]); },
                     .differentiable = {true, true},
                     .small = is_small(x),
                     .tolerance = roundings(1),
                     .gradient_tolerance = sum_of(d)});
  samples.push_back({.operation = ops::ConcatColumns::name,
                     .name = name_of(x),
                     .inputs = {normal(x), normal({n, 3})},
                     .function = "concat",
                     .form = [](const Variables& in) { return concat(in[0], in[1]); },
                     .differentiable = {true, true},
                     .small = is_small(x)});
  samples.push_back({.operation = ops::ConcatRows::name,
                     .name = name_of(x),
                     .inputs = {normal(x), normal({3, d})},
                     .function = "concat_rows",
                     .form = [](const Variables& in) { return concat_rows(in[0], in[1]); },
                     .differentiable = {true, true},
                     .small = is_small(x)});
  samples.push_back({.operation = ops::PermuteRows::name,
                     .name = name_of(x),
                     .inputs = {normal(x), distinct({n})},
                     .derive =
                         [](const Tensors& in) {
                           return Tensors{in[0], ranks(in[1])};
                         },
                     .function = "permute_rows",
                     .form = [](const Variables& in) { return permute_rows(in[0], in[1].value()); },
                     .differentiable = {true, false},
                     .small = is_small(x),
                     .bf16 = {true, false}});
  samples.push_back({.operation = "unpermute_rows",
                     .name = name_of(x),
                     .inputs = {normal(x), distinct({n})},
                     .derive =
                         [](const Tensors& in) {
                           return Tensors{in[0], ranks(in[1])};
                         },
                     .run = [](const Tensors& in) { return Tensors{ops::unpermute_rows(in[0], in[1])}; },
                     .no_derivative = "it is the gradient of permute_rows"});
  const auto order = [&](const char* function, int64_t count, Tensor (*f)(int64_t, Device)) {
    samples.push_back({.operation = function,
                       .name = name_of(x),
                       .inputs = {normal({1})},
                       .run = [=](const Tensors& in) { return Tensors{f(count, in[0].device())}; },
                       .no_derivative = "integers"});
  };
  order(ops::GridPositions::name, 3 * n,
        [](int64_t count, Device device) { return ops::grid_positions(count, 3, 7, -2, 5, device); });
  order("interleaved_order", 2 * n,
        [](int64_t count, Device device) { return ops::interleaved_order(count, 2, device); });
  order("swapped_halves", 2 * n, ops::swapped_halves);
  samples.push_back({.operation = ops::SliceColumns::name,
                     .name = name_of(x),
                     .inputs = {normal({n, d + 3})},
                     .run =
                         [=](const Tensors& in) {
                           ops::SliceColumns op{in[0], like(in[0], x), 2};
                           minissl::run(op);
                           return Tensors{op.y};
                         },
                     .no_derivative = is_a_gradient});
}

Tensors normalize_with_norm(const Tensor& x) {
  ops::Normalize op{x, like(x, x.shape()), like(x, {x.dim(0)})};
  minissl::run(op);
  return {op.y, op.norm};
}

void add_normalize(std::vector<Sample>& samples, const Shape& x) {
  samples.push_back({.operation = ops::Normalize::name,
                     .name = name_of(x),
                     .inputs = {away_from_zero(x, 0.5)},
                     .run = [](const Tensors& in) { return normalize_with_norm(in[0]); },
                     .function = "normalize",
                     .form = [](const Variables& in) { return normalize(in[0]); },
                     .differentiable = {true},
                     .small = is_small(x),
                     .tolerance = sum_of(x[1]),
                     // One element: the gradient is zero, and dy - dy leaves only rounding.
                     .gradient_tolerance = sum_of(x[1])});
  samples.push_back({.operation = ops::NormalizeGradient::name,
                     .name = name_of(x),
                     .inputs = {normal(x), away_from_zero(x, 0.5)},
                     .derive =
                         [](const Tensors& in) {
                           const Tensors out = normalize_with_norm(in[1]);
                           return Tensors{in[0], out[0], out[1]};
                         },
                     .run =
                         [](const Tensors& in) {
                           ops::NormalizeGradient op{in[0], in[1], in[2], like(in[0], in[0].shape())};
                           minissl::run(op);
                           return Tensors{op.dx};
                         },
                     .no_derivative = is_a_gradient,
                     .tolerance = sum_of(x[1])});
}

}  // namespace

Family rows_family() {
  Family family;
  for (const Shape& x : shapes) {
    add_rows(family.samples, x);
    add_normalize(family.samples, x);
  }
  // Tokens, images, and enough rows to split among threads.
  for (const Shape& x : {Shape{2, 3, 4}, Shape{2, 3, 1, 5}, Shape{3, 1000, 33}}) add_add_row(family.samples, x);
  family.samples.push_back({.operation = ops::Normalize::name,
                            .name = "row_of_zeros",
                            .inputs = {uniform({1, 5}, 0, 0)},
                            .run = [](const Tensors& in) { return normalize_with_norm(in[0]); },
                            .no_derivative = "the norm has a kink at zero"});

  const Tensor x = Tensor::zeros({5, 7}), row = Tensor::zeros({7}), images = Tensor::zeros({2, 3, 3, 7});
  family.errors = {
      {"add_row", "row_too_long", [=] { add_row(x, Tensor::zeros({8})); }, "add_row: f32[5, 7] and f32[8]"},
      {"add_row", "row_too_long_for_images", [=] { add_row(images, Tensor::zeros({8})); },
       "add_row: f32[2, 3, 3, 7] and f32[8]"},
      {"add_row", "not_a_matrix", [=] { add_row(row, row); }, "add_row: f32[7] and f32[7]"},
      {"add_row", "types_differ", [=] { add_row(x, row.to(DType::f64)); }, "add_row: f32[5, 7] and f64[7]"},
      {"add_row", "row_in_bf16", [=] { add_row(x.to(DType::bf16), row.to(DType::bf16)); },
       "add_row: bf16[5, 7] and bf16[7]"},
      {"rowwise_dot", "shapes_differ",
       [=] {
         rowwise_dot(x, Tensor::zeros({5, 8}));
       },
       "f32[5, 7] and f32[5, 8]"},
      {"concat", "rows_differ",
       [=] {
         concat(x, Tensor::zeros({4, 7}));
       },
       "f32[5, 7] and f32[4, 7]"},
      {"concat", "not_matrices", [=] { concat(row, row); }, "f32[7] and f32[7]"},
      {"concat_rows", "columns_differ",
       [=] {
         concat_rows(x, Tensor::zeros({5, 8}));
       },
       "f32[5, 7] and f32[5, 8]"},
      {"permute_rows", "a_row_twice",
       [=] {
         ops::permute_rows(x, Tensor::from<int64_t>({5}, std::vector<int64_t>{0, 1, 2, 3, 3}));
       },
       "3 is out of range or there twice"},
      {"interleaved_order", "unequal_parts", [] { ops::interleaved_order(7, 2, {}); },
       "7 rows can't be dealt to 2 equal parts"},
      {"swapped_halves", "odd", [] { ops::swapped_halves(7, {}); }, "7 rows have no halves"},
      {"permute_rows", "too_short", [=] { ops::permute_rows(x, Tensor::zeros({4}, DType::i64)); }, "i64[4]"},
      {"normalize", "not_a_matrix", [=] { minissl::normalize(row); }, "normalize needs rows (N, D), not f32[7]"},
      {"normalize", "tensor_is_not_a_matrix", [=] { ops::normalize(row); }, "normalize needs rows (N, D), not f32[7]"},
  };
  return family;
}

}  // namespace minissl::samples
