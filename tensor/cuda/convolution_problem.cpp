#include "tensor/cuda/convolution_problem.h"

#include <fmt/ranges.h>

#include "tensor/convolution/winograd.h"
#include "tensor/tf32.h"

namespace minissl::cuda {
namespace {

using Direction = ConvolutionProblem::Direction;

const char* name_of(Direction direction) {
  switch (direction) {
    case Direction::forward:
      return "forward";
    case Direction::input_gradient:
      return "input_gradient";
    case Direction::weight_gradient:
      return "weight_gradient";
  }
  return "?";
}

ConvolutionProblem problem(Direction direction, const Tensor& x, const Tensor& w, const Tensor& y,
                           ops::ConvolutionGeometry geometry) {
  require(x.dtype() == w.dtype() && w.dtype() == y.dtype(), "convolution: {}, {} and {} are not of one type", x, w, y);
  const bool f32 = x.dtype() == DType::f32;
  return {.direction = direction,
          .x = channels_first(x.shape()),
          .w = channels_first(w.shape()),
          .y = channels_first(y.shape()),
          .stride = geometry.stride,
          .padding = geometry.padding,
          .type = x.dtype(),
          .alignment = common_alignment({x.bytes_begin(), w.bytes_begin(), y.bytes_begin()}),
          .tf32 = f32 && tf32::enabled(),
          .winograd = f32 && winograd::enabled()};
}

}  // namespace

std::string ConvolutionProblem::str() const {
  return fmt::format("{} {} x {} w {} y {} stride {} padding {} aligned {}{}{}", name_of(direction),
                     minissl::name_of(type), fmt::join(x, ","), fmt::join(w, ","), fmt::join(y, ","), stride, padding,
                     alignment, tf32 ? " tf32" : "", winograd ? " winograd" : "");
}

Extents channels_first(const Shape& s) { return {s[0], s[3], s[1], s[2]}; }

Extents channels_last_strides(const Extents& e) { return {e[1] * e[2] * e[3], 1, e[1] * e[3], e[1]}; }

int64_t common_alignment(std::initializer_list<const void*> addresses) {
  uintptr_t bits = 16;
  for (const void* address : addresses) bits |= reinterpret_cast<uintptr_t>(address);
  return static_cast<int64_t>(bits & (~bits + 1));
}

ConvolutionProblem problem_of(const ops::Convolution& op) {
  return problem(Direction::forward, op.x, op.w, op.y, op.geometry);
}
ConvolutionProblem problem_of(const ops::ConvolutionInputGradient& op) {
  return problem(Direction::input_gradient, op.dx, op.w, op.dy, op.geometry);
}
ConvolutionProblem problem_of(const ops::ConvolutionWeightGradient& op) {
  return problem(Direction::weight_gradient, op.x, op.dw, op.dy, op.geometry);
}

}  // namespace minissl::cuda
