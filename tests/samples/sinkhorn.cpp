#include "tensor/ops/sinkhorn.h"

#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

struct Case {
  const char* name;
  int64_t samples, first, count, prototypes, rounds;
  double epsilon;
};

// A batch alone; behind a queue; the part of one process; a single round; one sample, one prototype; more samples than
// a block has threads, more columns than it or a piece of the CPU has; scores that would overflow or vanish in float32.
const Case cases[] = {
    {"batch", 5, 0, 5, 7, 3, 0.05},
    {"behind_a_queue", 9, 6, 3, 4, 3, 0.05},
    {"in_the_middle", 8, 2, 4, 33, 3, 0.1},
    {"one_round", 6, 0, 6, 5, 1, 0.05},
    {"one_sample", 1, 0, 1, 6, 3, 0.05},
    {"one_prototype", 4, 1, 3, 1, 2, 0.05},
    {"many_samples", 300, 44, 256, 40, 3, 0.05},
    {"many_prototypes", 20, 0, 20, 1001, 3, 0.05},
    {"far_apart", 6, 0, 6, 9, 4, 0.004},
};

ops::SoftTargets assigned(const Case& c, const Tensor& scores) {
  ops::SoftTargets to{like(scores, {c.count, c.prototypes}), like(scores, {c.count})};
  ops::sinkhorn(scores, c.first, to, c.epsilon, c.rounds);
  return to;
}

Sample sample(const Case& c) {
  return {.operation = ops::Sinkhorn::name,
          .name = c.name,
          .inputs = {uniform({c.samples, c.prototypes}, -1, 1)},
          .run =
              [c](const Tensors& in) {
                const auto [assignments, entropy] = assigned(c, in[0]);
                return Tensors{assignments, entropy};
              },
          .no_derivative = "targets are constants of the loss",
          .tolerance = {
              roundings(8).relative * static_cast<double>(2 + c.rounds) * (1 + 1 / c.epsilon),
              "exp() of scores / epsilon minus logarithms of sums: their absolute error becomes relative, and is large "
              "beside a small entropy"}};
}

ErrorCase error(const char* name, const Shape& scores, int64_t first, const Shape& to, int64_t rounds, double epsilon,
                const char* message) {
  return {"sinkhorn", name,
          [=] {
            ops::sinkhorn(Tensor::zeros(scores), first, {Tensor::zeros(to), Tensor::zeros({to[0]})}, epsilon, rounds);
          },
          message};
}

}  // namespace

Family sinkhorn_family() {
  Family family;
  for (const Case& c : cases) family.samples.push_back(sample(c));
  family.errors = {
      error("other_columns", {4, 3}, 0, {4, 2}, 3, 0.05, "scores f32[4, 3] (B, K), assignments f32[4, 2] (N, K)"),
      error("too_many", {4, 3}, 2, {3, 3}, 3, 0.05, "3 samples from number 2 on are not among those of f32[4, 3]"),
      error("no_round", {4, 3}, 0, {4, 3}, 0, 0.05, "needs a round and an epsilon above 0, not 0 and 0.05"),
      error("no_epsilon", {4, 3}, 0, {4, 3}, 3, 0, "needs a round and an epsilon above 0, not 3 and 0"),
  };
  return family;
}

}  // namespace minissl::samples
