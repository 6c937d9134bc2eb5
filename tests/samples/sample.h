#pragma once
#include <functional>
#include <string>
#include <vector>

#include "autograd/variable.h"
#include "tensor/random.h"

/// Samples of operations. Every test of kernels and derivatives (kernel_test.cpp, gradient_test.cpp, error_test.cpp) is
/// generated from the samples of registry.h; an operation without one fails completeness_test.cpp.
namespace minissl::samples {

using Tensors = std::vector<Tensor>;
using Variables = std::vector<Variable>;

/// One input of a sample: a shape and how its numbers are drawn. Floating numbers are drawn in f64 but are multiples
/// of what f32 can hold, so that both types start from the same values.
struct Input {
  Shape shape;
  std::function<Tensor(const Shape&, const Random&)> draw;
};

Input normal(const Shape& shape, double mean = 0, double deviation = 1);
Input uniform(const Shape& shape, double low, double high);
/// Normal, pushed away from zero by `margin`: for functions with a kink there.
Input away_from_zero(const Shape& shape, double margin = 0.05);
/// A shuffle of equally spaced, distinct numbers around `centre`: for maxima, which have a kink at ties.
Input distinct(const Shape& shape, double centre = 0);
/// Floating, whole and from 0 to count - 1, so that many are equal.
Input whole_numbers(const Shape& shape, int count);
/// i64 in [0, classes).
Input class_indices(const Shape& shape, int64_t classes);

/// How far float32 may be from float64, as relative_error() measures it, and why that far.
struct Tolerance {
  double relative;
  std::string reason;
};

/// Numbers are moved or selected, or computed with one rounding in the same way everywhere.
Tolerance exact();
/// This many successive roundings to float32 (2^-24 each).
Tolerance roundings(int count);
/// Sums of `terms` numbers of either sign: the errors of the partial sums add up like a random walk, to about
/// sqrt(terms) roundings; four times that holds for the worst of 10^5 sums, in any order of summation.
Tolerance sum_of(int64_t terms);
/// The same for Winograd's products, whose transformations magnify rounding errors: by 1.5 in the worst cases measured.
Tolerance winograd_sum_of(int64_t terms);

struct Sample {
  /// Op::name, or the tested function if it has no operation of its own.
  std::string operation;
  /// The case: "stride2_odd".
  std::string name;
  std::vector<Input> inputs;
  /// Appends inputs derived from those drawn, such as tensors saved by a forward pass: takes f64, returns all of them.
  std::function<Tensors(Tensors)> derive = {};
  /// The operation on tensors of one floating type. If undefined, the value of `form` is used.
  std::function<Tensors(const Tensors&)> run = {};
  /// The operation overwrites its inputs, and the outputs are among them.
  bool in_place = false;

  /// The name of the function in autograd/functions.h; for an operator, with the types it takes.
  std::string function = {};
  std::function<Variable(const Variables&)> form = {};
  /// For each input, whether it is differentiated.
  std::vector<bool> differentiable = {};
  /// Why there is no `form`.
  std::string no_derivative = {};
  /// Small enough for finite differences.
  bool small = true;

  /// Which inputs are bf16 under the policy of tensor/bf16.h; empty: the operation does not run in bf16.
  std::vector<bool> bf16 = {};

  Tolerance tolerance = exact();
  /// The same for the gradients in float32.
  Tolerance gradient_tolerance = exact();
};

/// "convolution_stride2_odd"
std::string full_name(const Sample& sample);
void PrintTo(const Sample& sample, std::ostream* out);

/// A call that must throw an Error whose text contains `message`.
struct ErrorCase {
  std::string operation;
  std::string name;
  std::function<void()> provoke;
  std::string message;
};

std::string full_name(const ErrorCase& error);
void PrintTo(const ErrorCase& error, std::ostream* out);

/// The inputs of a sample, drawn again but always the same; floating ones as `type`.
Tensors draw(const Sample& sample, DType type);
/// The same with the policy's bf16 inputs rounded to bf16 and the other floating ones as f32.
Tensors draw_bf16(const Sample& sample);
/// The outputs for these inputs.
Tensors run(const Sample& sample, const Tensors& inputs);
/// The gradients of sum(cotangent * form(inputs)) for a fixed random cotangent of a type's precision. Undefined for
/// inputs not in `wanted`.
Tensors gradients(const Sample& sample, const Tensors& inputs, const std::vector<bool>& wanted,
                  DType cotangent = DType::f32);

/// A tensor that begins at an odd element of a larger one, whose other elements are sentinels.
struct UnalignedView {
  explicit UnalignedView(const Tensor& values);
  bool surroundings_untouched() const;
  Tensor whole, view;
};

/// The largest |actual - expected| / max(|expected|, root mean square of all expected): relative to the element, or to
/// its siblings where a sum has cancelled to almost nothing. Infinite where only one of the two is NaN.
double relative_error(const Tensor& actual, const Tensor& expected);
bool same_bits(const Tensor& a, const Tensor& b);
/// A tensor of the given shape with t's type and device, for outputs.
inline Tensor like(const Tensor& t, const Shape& shape) { return Tensor::empty(shape, t.dtype(), t.device()); }

}  // namespace minissl::samples
