#include "tensor/ops/gumbel.h"

#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

Sample sample(const char* name, const Shape& shape) {
  return {.operation = ops::GumbelNoise::name,
          .name = name,
          .inputs = {normal({1}), class_indices({1}, 1 << 30)},
          .run = [shape](const Tensors& in) { return Tensors{ops::gumbel_noise(in[1], shape, in[0].dtype())}; },
          .no_derivative = "it has no floating input",
          .tolerance = {roundings(4).relative, "two logarithms; the outer one of a number near 1 loses digits"}};
}

}  // namespace

Family gumbel_family() {
  Family family;
  family.samples = {sample("odd", {3, 5, 7}), sample("one", {1}), sample("blocks", {5, 1031})};
  family.errors = {{"gumbel_noise", "several_keys",
                    [] { ops::gumbel_noise(Tensor::zeros({2}, DType::i64), {3}, DType::f32); },
                    "the key is one i64, not i64[2]"}};
  return family;
}

}  // namespace minissl::samples
