#include "tensor/ops/attention.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

struct Case {
  const char* name;
  int64_t images, tokens, heads, width;
  double spread;  // of queries and keys
  bool biased = false;
  bool small() const { return images * tokens * heads * width < 120; }
  double scale() const { return 1 / std::sqrt(static_cast<double>(width)); }
  Shape qkv() const { return {images, tokens, 3, heads, width}; }
  Shape bias() const { return {heads, tokens, tokens}; }
  Shape y() const { return {images, tokens, heads * width}; }
};

// Blocks have 32 queries and 192 keys on the CPU, and 16 of both, or 8 for f64, on a GPU.
const Case cases[] = {{"odd", 2, 5, 2, 3, 1},          {"one_token", 2, 1, 3, 4, 1},
                      {"one_head", 1, 9, 1, 8, 1},     {"sharp", 1, 7, 2, 4, 4},
                      {"blocks", 1, 70, 2, 17, 1},     {"narrow", 3, 33, 2, 16, 1},
                      {"widest", 1, 40, 1, 128, 1},    {"key_blocks", 1, 197, 1, 24, 2},
                      {"biased", 3, 4, 2, 3, 1, true}, {"biased_blocks", 2, 198, 2, 8, 1, true}};

// The bias, if there is one, is the last input.
ops::Attention forward(const Tensors& in, const Case& c) {
  ops::Attention op{in[0], c.biased ? in.back() : Tensor(), like(in[0], c.y()),
                    Tensor::empty({c.images, c.heads, c.tokens}, master_type(in[0].dtype()), in[0].device()),
                    c.scale()};
  minissl::run(op);
  return op;
}

std::vector<Input> inputs(std::vector<Input> others, const Case& c) {
  if (c.biased) others.push_back(normal(c.bias()));
  return others;
}

void add(std::vector<Sample>& samples, const Case& c) {
  // exp() turns absolute errors of the logits, sums of d products of numbers of this spread, into relative ones.
  const Tolerance tolerance{sum_of(c.width).relative * (1 + 3 * c.spread * c.spread) + sum_of(c.tokens).relative,
                            "the errors of logits, and sums over the tokens"};
  const Tolerance of_gradient{2 * tolerance.relative,
                              "the same, and differences of equals where a softmax is nearly all on one key"};
  samples.push_back(
      {.operation = ops::Attention::name,
       .name = c.name,
       .inputs = inputs({normal(c.qkv(), 0, c.spread)}, c),
       .run =
           [c](const Tensors& in) {
             const ops::Attention op = forward(in, c);
             return Tensors{op.y, op.log_sum_exp};
           },
       .function = "attention",
       .form = [c](const Variables& in) { return attention(in[0], c.scale(), c.biased ? in[1] : Variable()); },
       .differentiable = std::vector<bool>(c.biased ? 2 : 1, true),
       .small = c.small(),
       .bf16 = c.biased ? std::vector<bool>{true, false} : std::vector<bool>{true},
       .tolerance = tolerance,
       .gradient_tolerance = of_gradient});
  if (!c.biased)
    samples.push_back({.operation = ops::Attention::name,
                       .name = std::string(c.name) + "_without_gradient",
                       .inputs = {normal(c.qkv(), 0, c.spread)},
                       .run = [c](const Tensors& in) { return Tensors{attention(in[0], c.scale()).value()}; },
                       .no_derivative = "nothing is recorded",
                       .bf16 = {true},
                       .tolerance = tolerance});
  samples.push_back(
      {.operation = ops::AttentionGradient::name,
       .name = c.name,
       .inputs = inputs({normal(c.y()), normal(c.qkv(), 0, c.spread)}, c),
       .derive =
           [c](const Tensors& in) {
             Tensors all = in;
             all.insert(all.begin() + 2, forward({in[1], in.back()}, c).log_sum_exp);
             return all;
           },
       .run =
           [c](const Tensors& in) {
             const Tensor bias = c.biased ? in[3] : Tensor();
             ops::AttentionGradient op{
                 in[0],    in[1], bias, in[2], like(in[1], in[1].shape()), c.biased ? like(bias, c.bias()) : Tensor(),
                 c.scale()};
             minissl::run(op);
             return c.biased ? Tensors{op.dqkv, op.dbias} : Tensors{op.dqkv};
           },
       .no_derivative = is_a_gradient,
       .bf16 = c.biased ? std::vector<bool>{true, true, false, false} : std::vector<bool>{true, true, false},
       .tolerance = of_gradient});
}

ErrorCase error(const char* name, const Shape& qkv, double scale, const char* message) {
  return {"attention", name, [=] { attention(Tensor::zeros(qkv), scale); }, message};
}

}  // namespace

Family attention_family() {
  Family family;
  for (const Case& c : cases) add(family.samples, c);
  family.errors = {
      error("not_divided_into_three", {2, 5, 2, 4, 8}, 1, "(N, L, 3, H, d), not f32[2, 5, 2, 4, 8]"),
      error("rank", {2, 5, 3, 8}, 1, "(N, L, 3, H, d), not f32[2, 5, 3, 8]"),
      error("no_tokens", {2, 0, 3, 4, 8}, 1, "not f32[2, 0, 3, 4, 8]"),
      error("heads_too_wide", {1, 2, 3, 1, 129}, 1, "at most 128 elements, not 129"),
      {"attention", "bias_of_other_heads",
       [] {
         attention(Tensor::zeros({1, 2, 3, 3, 4}), 1, Tensor::zeros({2, 2, 2}));
       },
       "a bias f32[2, 2, 2] doesn't fit the heads of f32[1, 2, 3, 3, 4]"},
      error("infinite_scale", {1, 2, 3, 1, 4}, INFINITY, "the scale must be a number, not inf"),
  };
  return family;
}

}  // namespace minissl::samples
