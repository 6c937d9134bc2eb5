#include "tensor/ops/elementwise.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

// Odd sizes; the last is split among several threads.
const Shape small_shape{3, 7}, one_element{1}, large_shape{3, 23333};
const Shape shapes[] = {small_shape, one_element, large_shape};

std::string name_of(const Shape& s) { return fmt::format("{}", fmt::join(s.begin(), s.end(), "x")); }

using Draw = Input (*)(const Shape&);
Input plain(const Shape& s) { return normal(s); }
Input clear_of_zero(const Shape& s) { return away_from_zero(s); }
// From -3 to 9 in steps that miss 0 and 6.
Input clear_of_zero_and_six(const Shape& s) {
  return {s, [](const Shape& shape, const Random& random) {
            const Tensor t = Tensor::empty(shape, DType::f64);
            for (int64_t i = 0; i < t.numel(); ++i)
              t.mutable_data<double>()[i] = random.below(static_cast<uint32_t>(i), 48) / 4.0 - 2.875;
            return t;
          }};
}
Input positive(const Shape& s) { return uniform(s, 0.2, 3); }

// Whether the policy of tensor/bf16.h includes it.
template <class F>
std::vector<bool> bf16_inputs(size_t count) {
  return std::vector<bool>(runs_in_bf16(F::name) ? count : 0, true);
}

template <class F>
void add_unary(Family& family, const char* function, Variable (*form)(const Variable&), F f, Draw draw,
               const Tolerance& value, const Tolerance& gradient) {
  for (const Shape& shape : shapes) {
    family.samples.push_back({.operation = F::name,
                              .name = name_of(shape),
                              .inputs = {draw(shape)},
                              .run = [f](const Tensors& in) { return Tensors{ops::unary(in[0], f)}; },
                              .function = function,
                              .form = [form](const Variables& in) { return form(in[0]); },
                              .differentiable = {true},
                              .small = shape.numel() < 100,
                              .bf16 = bf16_inputs<F>(1),
                              .tolerance = value,
                              .gradient_tolerance = gradient});
    family.samples.push_back({.operation = std::string(F::name) + "_gradient",
                              .name = name_of(shape),
                              .inputs = {normal(shape), draw(shape)},
                              .derive =
                                  [f](const Tensors& in) {
                                    return Tensors{in[0], in[1], ops::unary(in[1], f)};
                                  },
                              .run =
                                  [f](const Tensors& in) {
                                    // Only the tensors that the derivative declares it reads.
                                    using enum ops::GradientReads;
                                    ops::UnaryGradient<F> op{in[0], {}, {}, like(in[0], in[0].shape()), f};
                                    if (F::gradient_reads == input) op.x = in[1];
                                    if (F::gradient_reads == output) op.y = in[2];
                                    minissl::run(op);
                                    return Tensors{op.dx};
                                  },
                              .no_derivative = is_a_gradient,
                              .bf16 = bf16_inputs<F>(3),
                              .tolerance = gradient});
  }
}

template <class F>
void add_binary(Family& family, const char* function, Variable (*form)(const Variable&, const Variable&)) {
  for (const Shape& shape : shapes) {
    family.samples.push_back({.operation = F::name,
                              .name = name_of(shape),
                              .inputs = {normal(shape), normal(shape)},
                              .run = [](const Tensors& in) { return Tensors{ops::binary<F>(in[0], in[1])}; },
                              .function = function,
                              .form = [form](const Variables& in) { return form(in[0], in[1]); },
                              .differentiable = {true, true},
                              .small = shape.numel() < 100,
                              .bf16 = bf16_inputs<F>(2),
                              .tolerance = roundings(1),
                              .gradient_tolerance = roundings(1)});
    family.samples.push_back({.operation = std::string(F::name) + "_gradient",
                              .name = name_of(shape),
                              .inputs = {normal(shape), normal(shape), normal(shape)},
                              .run =
                                  [](const Tensors& in) {
                                    const Tensor &dy = in[0], none;
                                    ops::BinaryGradient<F> op{dy,
                                                              F::gradient_reads_inputs ? in[1] : none,
                                                              F::gradient_reads_inputs ? in[2] : none,
                                                              like(dy, dy.shape()),
                                                              like(dy, dy.shape()),
                                                              {}};
                                    minissl::run(op);
                                    return Tensors{op.da, op.db};
                                  },
                              .no_derivative = is_a_gradient,
                              .bf16 = bf16_inputs<F>(3),
                              .tolerance = roundings(1)});
  }
  family.errors.push_back({F::name, "shapes_differ",
                           [form] {
                             form(Tensor::zeros({3, 7}), Tensor::zeros({7, 3}));
                           },
                           std::string(F::name) + ": shapes f32[3, 7] and f32[7, 3] differ"});
  family.errors.push_back({F::name, "types_differ",
                           [form] {
                             form(Tensor::zeros({3, 7}), Tensor::zeros({3, 7}, DType::f64));
                           },
                           "f64[3, 7]"});
}

void add_scalar(Family& family, const char* name, const char* function, Variable (*form)(const Variable&)) {
  family.samples.push_back({.operation = "affine",
                            .name = name,
                            .inputs = {normal(small_shape)},
                            .function = function,
                            .form = [form](const Variables& in) { return form(in[0]); },
                            .differentiable = {true},
                            .tolerance = roundings(2),
                            .gradient_tolerance = roundings(2)});
}

}  // namespace

Family elementwise_family() {
  Family family;
  using V = const Variable&;
  add_unary(family, "relu", relu, ops::Relu{}, clear_of_zero, exact(), exact());
  add_unary(family, "relu6", relu6, ops::Relu6{}, clear_of_zero_and_six, exact(), exact());
  add_unary(family, "sqrt", sqrt, ops::Sqrt{}, positive, roundings(1), roundings(2));
  add_unary(family, "gelu", gelu, ops::Gelu{}, plain, roundings(8), roundings(8));
  add_unary(family, "square", square, ops::Square{}, plain, roundings(1), roundings(1));
  // Of the factor, the offset, the product and, where the compiler doesn't fuse them, the sum.
  add_unary(
      family, "affine", [](V x) { return affine(x, -1.7, 0.3); }, ops::Affine{-1.7, 0.3}, plain, roundings(4),
      roundings(2));
  add_binary<ops::Add>(family, "operator+(Variable, Variable)", [](V a, V b) { return a + b; });
  add_binary<ops::Subtract>(family, "operator-(Variable, Variable)", [](V a, V b) { return a - b; });
  add_binary<ops::Multiply>(family, "operator*(Variable, Variable)", [](V a, V b) { return a * b; });
  add_scalar(family, "plus_scalar", "operator+(Variable, double)", [](V x) { return x + 0.3; });
  add_scalar(family, "minus_scalar", "operator-(Variable, double)", [](V x) { return x - 0.3; });
  add_scalar(family, "scalar_minus", "operator-(double, Variable)", [](V x) { return 0.3 - x; });
  add_scalar(family, "scalar_times", "operator*(double, Variable)", [](V x) { return 1.7 * x; });
  add_scalar(family, "times_scalar", "operator*(Variable, double)", [](V x) { return x * 1.7; });
  add_scalar(family, "divided_by_scalar", "operator/(Variable, double)", [](V x) { return x / 0.2; });
  // In f64 it has nothing to do, so the gradient in f32 is compared with the identity's.
  family.samples.push_back({.operation = "cast",
                            .name = "3x7",
                            .inputs = {normal(small_shape)},
                            .function = "cast",
                            .form = [](const Variables& in) { return cast(in[0], DType::f64); },
                            .differentiable = {true}});
  family.samples.push_back({.operation = "cast",
                            .name = "to_bf16",
                            .inputs = {normal(small_shape)},
                            .function = "cast",
                            .form = [](const Variables& in) { return cast(in[0], DType::bf16); },
                            .differentiable = {true},
                            .small = false,  // finite-difference steps vanish in bf16
                            .bf16 = {false}});
  family.samples.push_back({.operation = "cast",
                            .name = "to_f32",
                            .inputs = {normal(small_shape)},
                            .function = "cast",
                            .form = [](const Variables& in) { return cast(in[0], DType::f32); },
                            .differentiable = {true},
                            .small = false,
                            .bf16 = {true}});
  family.samples.push_back({.operation = "detach",
                            .name = "3x7",
                            .inputs = {normal(small_shape)},
                            .run = [](const Tensors& in) { return Tensors{detach(in[0]).value().clone()}; },
                            .function = "detach",
                            .no_derivative = "nothing flows back through it: that is its purpose"});
  return family;
}

}  // namespace minissl::samples
