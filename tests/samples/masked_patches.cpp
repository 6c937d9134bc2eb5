#include "tensor/ops/masked_patches.h"

#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

// 1 with this probability.
Input mask(const Shape& shape, float share) {
  return {shape, [share](const Shape& shape, const Random& random) {
            const Tensor t = Tensor::empty(shape, DType::u8);
            for (int64_t i = 0; i < t.numel(); ++i)
              t.mutable_data<uint8_t>()[i] = random.uniform(static_cast<uint32_t>(i)) < share ? 1 : 0;
            return t;
          }};
}

Sample sample(const char* name, const Input& hidden, int64_t most) {
  return {.operation = ops::MaskedPatches::name,
          .name = name,
          .inputs = {hidden},
          .run =
              [most](const Tensors& in) {
                const ops::MaskedPatches patches = ops::masked_patches(in[0], most);
                return Tensors{patches.places, patches.hidden};
              },
          .no_derivative = "it gives numbers of patches"};
}

}  // namespace

Family masked_patches_family() {
  Family family;
  family.samples = {sample("third", mask({5, 49}, 0.3F), 40), sample("none", mask({2, 6}, 0), 3),
                    sample("all", mask({3, 9}, 1), 9), sample("one_patch", mask({2, 1}, 1), 1)};
  family.errors = {{"masked_patches", "too_many",
                    [] {
                      ops::masked_patches(Tensor::full({2, 4}, 1, DType::u8), 3);
                    },
                    "the mask of image 0 hides 4 patches, and 3 at most may be hidden"},
                   {"masked_patches", "none_may_be_hidden",
                    [] {
                      ops::masked_patches(Tensor::zeros({2, 4}, DType::u8), 0);
                    },
                    "0 of 4 patches can't be hidden"},
                   {"masked_patches", "type",
                    [] {
                      ops::masked_patches(Tensor::zeros({2, 4}), 1);
                    },
                    "a mask is u8 (N, L), not f32[2, 4]"}};
  return family;
}

}  // namespace minissl::samples
