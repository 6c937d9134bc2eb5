#include "tensor/ops/ring.h"

#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

Sample sample(const char* name, int64_t size, int64_t count, int64_t width, int64_t position) {
  return {.operation = ops::PushRows::name,
          .name = name,
          .inputs = {normal({size, width}), normal({count, width})},
          .run =
              [=](const Tensors& in) {
                const Tensor next = Tensor::full({1}, static_cast<double>(position), DType::i64, in[0].device());
                ops::push_rows(in[0], in[1], next);
                return Tensors{in[0], next};
              },
          .in_place = true,
          .no_derivative = is_in_place};
}

}  // namespace

Family ring_family() {
  Family family;
  family.samples = {sample("first", 96, 32, 40, 0), sample("last", 96, 32, 40, 64), sample("around", 7, 5, 3, 4),
                    sample("all", 5, 5, 1, 2)};
  const Tensor ring = Tensor::zeros({4, 3}), next = Tensor::zeros({1}, DType::i64);
  family.errors = {
      {"push_rows", "too_many",
       [=] {
         ops::push_rows(ring, Tensor::zeros({5, 3}), next);
       },
       "f32[5, 3]"},
      {"push_rows", "other_width",
       [=] {
         ops::push_rows(ring, Tensor::zeros({2, 2}), next);
       },
       "f32[2, 2]"},
      {"push_rows", "position",
       [=] {
         ops::push_rows(ring, Tensor::zeros({2, 3}), Tensor::zeros({1}));
       },
       "f32[1]"},
  };
  return family;
}

}  // namespace minissl::samples
