#include "tensor/ops/drop_path.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

Sample sample(const char* name, const Shape& x, const Shape& drop, int64_t first, double rate) {
  return {.operation = ops::DropPath::name,
          .name = name,
          .inputs = {normal(x), uniform(drop, 0, 1)},
          .function = "drop_path",
          .form = [=](const Variables& in) { return drop_path(in[0], in[1].value(), first, rate); },
          .differentiable = {true, false},
          .small = x.numel() < 200,
          .bf16 = {true, false},
          .tolerance = roundings(2),
          .gradient_tolerance = roundings(2)};
}

}  // namespace

Family drop_path_family() {
  Family family;
  family.samples = {sample("half", {8, 3, 4}, {8}, 0, 0.5), sample("in_the_middle", {5, 2, 3}, {3, 2, 9}, 20, 0.4),
                    sample("none", {3, 4}, {3}, 0, 0), sample("large", {16, 65, 33}, {2, 16}, 16, 0.3)};
  const auto error = [&](const char* name, const Tensor& drop, int64_t first, double rate, const char* message) {
    family.errors.push_back({"drop_path", name, [=] { drop_path(Tensor::zeros({3, 2}), drop, first, rate); }, message});
  };
  error("rate_of_one", Tensor::zeros({3}), 0, 1, "the rate is at least 0 and below 1, not 1");
  error("too_few_numbers", Tensor::zeros({4}), 2, 0.5, "f32[4] has no numbers for 3 images from 2 on");
  error("type", Tensor::zeros({3}, DType::f64), 0, 0.5, "f64[3] has no numbers");
  return family;
}

}  // namespace minissl::samples
