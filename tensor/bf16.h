#pragma once
#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "tensor/members.h"
#include "tensor/tensor.h"

/// bf16 as a precision of training: activations take half the bytes, and a GPU computes with them on tensor cores. A
/// bf16 has the range of a float32 and 8 bits of its mantissa. That is enough for values that are summed over many
/// elements afterwards, but not for values that are updated in small steps or are a small difference of large numbers.
///
/// On the CPU bf16 is for correctness, not for speed: it shows what a GPU will compute, and tests the policy.
/// Operations take f32 copies of their bf16 tensors there and round what they write, which is slower than f32.
namespace minissl {

/// An operation that takes bf16 tensors.
struct Bf16Rule {
  std::string_view operation;
  std::string_view bf16;  ///< which of its tensors; the others stay f32, and its arithmetic is always in f32
  std::string_view why;
};

/// The policy. Operations that are not listed take f32 only: projections and losses, which are small compared with the
/// network and have to tell near equals apart (logits are divided by a temperature, standard deviations are compared
/// with 1); optimizers and momentum encoders, whose steps are a thousandth of a weight and would be rounded away (they
/// write copies of the weights in bf16 in the same pass); MoCo's queue, which the loss reads.
inline constexpr Bf16Rule bf16_policy[] = {
    {"cast", "x or y", "the border: images and weights on their way in, weight gradients on their way out"},
    {"permute_rows", "x, y", "moves images and features, whatever they are"},
    {"gather_rows", "x, y", "as permute_rows"},
    {"scatter_rows", "x, y", "as permute_rows"},
    {"gather_rows_gradient", "dy, dx", "sums of a few, rounded once"},
    {"gather_fill_gradient", "dy", "the gradient of a parameter, as column_sum"},
    {"convolution", "x, w, y", "nearly all arithmetic; products of two bf16 are exact in f32, and sums stay there"},
    {"convolution_input_gradient", "dy, w, dx", "as convolution"},
    {"convolution_weight_gradient", "dy, x, dw", "as convolution; dw is rounded once, then added to the others in f32"},
    {"batch_norm_statistics", "x", "nearly half of all memory traffic; statistics of 10^6 elements need f32"},
    {"batch_norm", "x, residual, y", "the other half; what it writes is rounded once"},
    {"batch_norm_gradient_sums", "dy, x", "as batch_norm_statistics: dweight and dbias are sums over the batch, too"},
    {"batch_norm_gradient", "dy, x, dx, dresidual", "as batch_norm"},
    {"max_pool", "x, y", "selects: nothing is rounded"},
    {"max_pool_gradient", "dy, dx", "sums of a few, rounded once"},
    {"matmul", "a, b, c", "as convolution: sums stay in f32 and are rounded once, gradients of weights, too"},
    {"linear", "x, weight, residual, y", "as matmul; the bias is a parameter, as in add_row"},
    {"add_row", "x, y", "activations plus a bias; the bias is a parameter, and f32 as those of batch_norm are"},
    {"column_sum", "x", "the gradient of a bias: a sum over all rows, which stays in f32"},
    {"layer_norm", "x, y", "as batch_norm: statistics of a row and parameters stay in f32; y is rounded once"},
    {"layer_norm_gradient", "dy, x, dx", "as batch_norm_gradient"},
    {"gelu", "x, y", "one element at a time, rounded once"},
    {"bias_gelu", "x, y", "as gelu; the bias is a parameter, as in add_row"},
    {"bias_gelu_gradient", "dy, x, dx", "as gelu; dbias is a sum over all rows, which stays in f32"},
    {"drop_path", "x, y", "one factor for each image, rounded once"},
    {"attention", "qkv, y", "as matmul; softmax and its sums stay in f32, and so does the log_sum_exp"},
    {"attention_gradient", "dy, qkv, dqkv", "as attention; dqkv is rounded once"},
    {"add", "a, b, y", "the sum of two branches, rounded once as batch_norm's residual is"},
    {"subtract", "a, b, y", "as add"},
    {"multiply", "a, b, y", "gates and scales of activations: one product, rounded once"},
    {"affine", "x, y", "attention's scale, a factor on activations: rounded once"},
    {"relu", "x, y", "selects: nothing is rounded"},
    {"relu6", "x, y", "as relu"},
    {"global_average_pool", "x", "the end of the network: what it gives is small, and f32 from there on"},
    {"global_average_pool_gradient", "dx", "the same on the way back"},
    {"accumulate", "target, source", "the two gradients of a block's input; those of parameters are f32"},
};

constexpr bool runs_in_bf16(std::string_view operation) {
  return std::any_of(std::begin(bf16_policy), std::end(bf16_policy),
                     [=](const Bf16Rule& rule) { return rule.operation == operation; });
}

namespace detail {

inline bool is_bf16(const Tensor& t) { return t.defined() && t.dtype() == DType::bf16; }
template <class Other>
bool is_bf16(const Other&) {
  return false;
}

/// An f32 copy of a bf16 tensor, and whether it was written to.
struct F32Copy {
  explicit F32Copy(const Tensor& original)
      : narrow(original), wide(original.to(DType::f32)), version(wide.storage()->version()) {}
  void write_back() const {
    if (wide.storage()->version() != version) narrow.copy_from(wide);
  }
  Tensor narrow, wide;
  uint64_t version;
};

inline void replace_bf16(Tensor& t, std::vector<F32Copy>& copies) {
  if (is_bf16(t)) t = copies.emplace_back(t).wide;
}
template <class Other>
void replace_bf16(Other&, std::vector<F32Copy>&) {}

}  // namespace detail

template <class Op>
bool holds_bf16(const Op& op) {
  return std::apply([](const auto&... member) { return (detail::is_bf16(member) || ...); }, members_of(op));
}

/// Calls f with the operation on f32 copies of its bf16 tensors, and rounds the copies that f wrote to to nearest even.
/// Throws Error for an operation that has no rule.
template <class Op, class F>
void with_f32_copies(const Op& op, F&& f) {
  require(runs_in_bf16(Op::name), "{} takes f32, not bf16, by the policy of tensor/bf16.h; convert its inputs",
          Op::name);
  Op wide = op;
  std::vector<detail::F32Copy> copies;
  {
    const TagScope tag(MemoryTag::workspace);
    std::apply([&](auto&... member) { (detail::replace_bf16(member, copies), ...); }, members_of(wide));
  }
  f(std::as_const(wide));
  for (const detail::F32Copy& copy : copies) copy.write_back();
}

}  // namespace minissl
