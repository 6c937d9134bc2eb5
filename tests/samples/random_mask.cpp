#include "tensor/ops/random_mask.h"

#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

Sample sample(const char* name, const Input& noise, int64_t kept) {
  return {.operation = ops::RandomMask::name,
          .name = name,
          .inputs = {noise},
          .run =
              [=](const Tensors& in) {
                const ops::RandomMask mask = ops::random_mask(in[0], kept);
                return Tensors{mask.kept, mask.hidden, mask.places};
              },
          .no_derivative = "it gives numbers of patches"};
}

}  // namespace

Family random_mask_family() {
  Family family;
  family.samples = {sample("quarter", uniform({3, 16}, 0, 1), 4), sample("all", uniform({2, 6}, 0, 1), 6),
                    sample("two_patches", uniform({1, 2}, 0, 1), 1), sample("many", uniform({5, 196}, 0, 1), 49),
                    sample("ties", whole_numbers({4, 30}, 5), 7)};
  family.errors = {{"random_mask", "nothing_stays",
                    [] {
                      ops::random_mask(Tensor::zeros({2, 10}), 0);
                    },
                    "0 of 10 patches can't be kept"},
                   {"random_mask", "more_than_there_are",
                    [] {
                      ops::random_mask(Tensor::zeros({2, 10}), 11);
                    },
                    "11 of 10 patches can't be kept"},
                   {"random_mask", "type",
                    [] {
                      ops::random_mask(Tensor::zeros({2, 3}, DType::i64), 1);
                    },
                    "i64[2, 3]"}};
  return family;
}

}  // namespace minissl::samples
