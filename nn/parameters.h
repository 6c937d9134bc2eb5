#pragma once
#include <string>

#include "autograd/variable.h"

/// What modules make their parameters and buffers of. They are created on DeviceScope::current().
namespace minissl {

/// A parameter of zeros.
Variable parameter(const Shape& shape);
Tensor buffer(const Shape& shape, double value, DType dtype = DType::f32);

/// Sets all elements of a parameter of any floating type. Each is drawn from (seed, name, its index) alone; `name` is
/// the parameter's full name. A dry run draws nothing.
void draw_normal(const Tensor& parameter, float deviation, uint64_t seed, const std::string& name);
/// Uniform within -bound and bound.
void draw_uniform(const Tensor& parameter, float bound, uint64_t seed, const std::string& name);

}  // namespace minissl
