#include "tensor/ops/perplexity.h"

#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

Sample sample(const char* name, const Input& weights) {
  return {.operation = ops::Perplexity::name,
          .name = name,
          .inputs = {weights},
          .run = [](const Tensors& in) { return Tensors{ops::perplexity(in[0])}; },
          .no_derivative = "it is looked at, not trained",
          .tolerance = roundings(4)};
}

// Weights of 0 and 1.
Input some(const Shape& shape) {
  return {shape, [](const Shape& shape, const Random& random) {
            const Tensor t = Tensor::empty(shape, DType::f64);
            for (int64_t i = 0; i < t.numel(); ++i)
              t.mutable_data<double>()[i] = random.uniform(static_cast<uint32_t>(i)) < 0.3F ? 1 : 0;
            return t;
          }};
}

}  // namespace

Family perplexity_family() {
  return {.samples = {sample("odd", uniform({7}, 0, 1)), sample("one_class", uniform({1}, 1, 2)),
                      sample("unused_classes", some({40})), sample("many", uniform({8192}, 0, 1))},
          .errors = {}};
}

}  // namespace minissl::samples
