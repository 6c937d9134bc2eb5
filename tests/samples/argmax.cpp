#include "tensor/ops/argmax.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

Sample largest(const char* name, const Input& rows) {
  return {.operation = ops::Argmax::name,
          .name = name,
          .inputs = {rows},
          .run = [](const Tensors& in) { return Tensors{ops::argmax(in[0])}; },
          .no_derivative = "it gives numbers of elements"};
}

Sample hot(const char* name, const Input& rows) {
  return {.operation = ops::Hardmax::name,
          .name = name,
          .inputs = {rows},
          .run = [](const Tensors& in) { return Tensors{ops::hardmax(in[0])}; },
          .no_derivative = "it is constant almost everywhere"};
}

}  // namespace

Family argmax_family() {
  Family family;
  family.samples = {largest("odd", normal({5, 7})),
                    largest("one_element", normal({3, 1})),
                    largest("ties", whole_numbers({9, 300}, 4)),
                    largest("long_rows", normal({2, 8193})),
                    largest("tied_twice", whole_numbers({4, 2}, 4)),
                    hot("odd", normal({5, 7})),
                    hot("one_class", normal({3, 1})),
                    hot("ties", whole_numbers({9, 300}, 4))};
  // Its gradient is not that of its value, so a sample can't check it: tests/autograd/straight_through_test.cpp does.
  family.samples.push_back({.operation = "straight_through",
                            .name = "odd",
                            .inputs = {normal({4, 6})},
                            .run = [](const Tensors& in) { return Tensors{straight_through(in[0]).value()}; },
                            .function = "straight_through",
                            .no_derivative = "its gradient is another function's, by definition"});
  family.errors = {{"argmax", "not_rows", [] { ops::argmax(Tensor::zeros({3})); }, "needs rows (N, D), not f32[3]"},
                   {"argmax", "no_elements",
                    [] {
                      ops::argmax(Tensor::zeros({3, 0}));
                    },
                    "not f32[3, 0]"}};
  return family;
}

}  // namespace minissl::samples
