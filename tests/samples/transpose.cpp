#include "tensor/ops/transpose.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

constexpr const char* is_for_files = "layouts change on the way to and from files, outside every graph";

Sample sample(const char* function, const Shape& x, Tensor (*f)(const Tensor&)) {
  return {.operation = function,
          .name = fmt::format("{}", fmt::join(x.begin(), x.end(), "x")),
          .inputs = {normal(x)},
          .run = [f](const Tensors& in) { return Tensors{f(in[0])}; },
          .no_derivative = is_for_files};
}

}  // namespace

Family transpose_family() {
  Family family;
  for (const Shape& x : {Shape{5, 7}, Shape{1, 3}, Shape{64, 33}}) {
    Sample of_matrix = sample(ops::BatchedTranspose::name, x, ops::transpose);
    of_matrix.no_derivative = {};
    of_matrix.function = "transpose";
    of_matrix.form = [](const Variables& in) { return transpose(in[0]); };
    of_matrix.differentiable = {true};
    of_matrix.small = x.numel() < 100;
    family.samples.push_back(of_matrix);
  }
  for (const Shape& x : {Shape{2, 3, 5, 7}, Shape{1, 1, 3, 2}, Shape{3, 64, 1, 5}}) {
    family.samples.push_back(sample("nchw_to_nhwc", x, ops::nchw_to_nhwc));
    family.samples.push_back(sample("nhwc_to_nchw", x, ops::nhwc_to_nchw));
  }
  family.errors = {
      {"transpose", "not_a_matrix", [] { ops::transpose(Tensor::zeros({5})); }, "two dimensions, not f32[5]"},
      {"nchw_to_nhwc", "not_images",
       [] {
         ops::nchw_to_nhwc(Tensor::zeros({5, 3}));
       },
       "four dimensions, not f32[5, 3]"},
      {"nhwc_to_nchw", "not_images",
       [] {
         ops::nhwc_to_nchw(Tensor::zeros({5, 3}));
       },
       "four dimensions, not f32[5, 3]"},
  };
  return family;
}

}  // namespace minissl::samples
