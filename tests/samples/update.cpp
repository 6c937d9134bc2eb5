#include "tensor/ops/update.h"

#include "tensor/ops/adamw.h"
#include "tensor/ops/clip.h"
#include "tensor/ops/lars.h"
#include "tensor/ops/lion.h"
#include "tensor/ops/sgd.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

const int64_t lengths[] = {1, 7, 69999};

// An operation built from the inputs, which it overwrites; the outputs are the first `outputs` of them.
template <class Make>
Sample update(const char* operation, const std::string& name, std::vector<Input> inputs, size_t outputs, Make make,
              Tolerance tolerance) {
  return {.operation = operation,
          .name = name,
          .inputs = std::move(inputs),
          .run =
              [=](const Tensors& in) {
                minissl::run(make(in));
                return Tensors(in.begin(), in.begin() + static_cast<int64_t>(outputs));
              },
          .in_place = true,
          .no_derivative = is_in_place,
          .tolerance = std::move(tolerance)};
}

void add(std::vector<Sample>& samples, int64_t length) {
  const Shape s{length};
  for (const int64_t step : {1, 10}) {
    const std::string name = fmt::format("{}_step{}", length, step);
    // value, m, v, gradient
    samples.push_back(update(
        ops::AdamW::name, name, {normal(s), normal(s, 0, 0.1), uniform(s, 0.01, 0.1), normal(s)}, 3,
        [step](const Tensors& in) {
          return ops::AdamW{.value = in[0],
                            .gradient = in[3],
                            .m = in[1],
                            .v = in[2],
                            .pieces = one_parameter(in[0]),
                            .step = step,
                            .lr = 0.01,
                            .gradient_scale = 0.5,
                            .weight_decay = 0.1};
        },
        roundings(6)));
    // value, buffer, gradient
    samples.push_back(update(
        ops::Sgd::name, name, {normal(s), normal(s), normal(s)}, 2,
        [step](const Tensors& in) {
          return ops::Sgd{.value = in[0],
                          .gradient = in[2],
                          .buffer = in[1],
                          .pieces = one_parameter(in[0]),
                          .step = step,
                          .lr = 0.1,
                          .gradient_scale = 0.5,
                          .weight_decay = 0.01};
        },
        roundings(6)));
  }
  const std::string name = std::to_string(length);
  // value, buffer, gradient
  samples.push_back(update(
      ops::Lars::name, name, {normal(s), normal(s), normal(s)}, 2,
      [](const Tensors& in) {
        return ops::Lars{.value = in[0],
                         .gradient = in[2],
                         .buffer = in[1],
                         .pieces = one_parameter(in[0]),
                         .lr = 0.1,
                         .gradient_scale = 0.5,
                         .weight_decay = 0.01,
                         .trust = 0.5};
      },
      roundings(8)));
  // value, m, gradient
  samples.push_back(update(
      ops::Lion::name, name, {normal(s), normal(s), normal(s)}, 2,
      [](const Tensors& in) {
        return ops::Lion{.value = in[0],
                         .gradient = in[2],
                         .m = in[1],
                         .pieces = one_parameter(in[0]),
                         .lr = 0.01,
                         .gradient_scale = 0.5,
                         .weight_decay = 0.1};
      },
      roundings(6)));
  samples.push_back(update(
      ops::Ema::name, name, {normal(s), normal(s)}, 1,
      [](const Tensors& in) {
        return ops::Ema{in[0], in[1], 0.99};
      },
      roundings(4)));
  samples.push_back(update(
      ops::Accumulate::name, name, {normal(s), normal(s)}, 1,
      [](const Tensors& in) {
        return ops::Accumulate{in[0], in[1]};
      },
      roundings(1)));
  samples.back().bf16 = {true, true};
  samples.push_back({.operation = ops::SquaredNorm::name,
                     .name = name,
                     .inputs = {normal(s)},
                     .run =
                         [](const Tensors& in) {
                           ops::SquaredNorm op{in[0], Tensor::empty({1}, DType::f64, in[0].device())};
                           minissl::run(op);
                           return Tensors{op.y};
                         },
                     .no_derivative = "it measures gradients, outside every graph",
                     .tolerance = {1e-13, "summed in float64 for either type"}});
}

// Parameters of several sizes, the second and the last in several pieces.
Tensor several_parameters(Device device) {
  const ParameterRange ranges[] = {{0, 16}, {16, 9000}, {9000, 9001}, {9001, 14000}};
  return make_pieces(ranges, device);
}

// Their rules: every other one is neither decayed nor adapted, as vectors are.
Tensor vectors_exempt(Device device) {
  const RuleRow vector{.decay = 0, .adapted = 0}, rows[] = {vector, {}, vector, {}};
  return make_rules(rows, device);
}

// Their rules: all different.
Tensor all_rules(Device device) {
  const RuleRow rows[] = {{.rate = 0.5, .decay = 3, .skipped = 2},
                          {.rate = 0.25, .decay = 0, .adapted = 0},
                          {.constant_rate = 1, .skipped = 1},
                          {.frozen = 1}};
  return make_rules(rows, device);
}

struct Rule {
  const char* name;
  Tensor (*make)(Device);
};
constexpr Rule rule_tables[] = {{"parameters_and_followers", vectors_exempt}, {"rules", all_rules}};

// Whether a bf16 copy equals the first values: 1 or 0.
Tensor copied(const Tensor& copy, const Tensor& values) {
  const bool same = same_bits(copy, values.slice(0, copy.shape()).to(DType::bf16));
  return Tensor::full({1}, same ? 1 : 0, values.dtype());
}

// An optimizer over an arena of several parameters, followed by shorter copies and a shorter average: make(inputs,
// rules, followers), inputs being value, gradient, average and one or two states.
template <class Make>
Sample followed(const char* operation, const Rule& rule, size_t states, Make make) {
  const Shape s{14000}, shorter{9500};
  std::vector<Input> inputs{normal(s), normal(s), normal(shorter)};
  for (size_t i = 0; i < states; ++i) inputs.push_back(uniform(s, 0.01, 0.1));
  return {.operation = operation,
          .name = rule.name,
          .inputs = std::move(inputs),
          .run =
              [=, rules = rule.make](const Tensors& in) {
                const Device device = in[0].device();
                const ops::Followers followers{.copy = Tensor::empty({12000}, DType::bf16, device),
                                               .average = in[2],
                                               .average_copy = Tensor::empty({9001}, DType::bf16, device),
                                               .momentum = 0.9};
                minissl::run(make(in, rules(device), followers));
                Tensors out = in;
                out.erase(out.begin() + 1);
                out.push_back(copied(followers.copy, in[0]));
                out.push_back(copied(followers.average_copy, in[2]));
                return out;
              },
          .in_place = true,
          .no_derivative = is_in_place,
          .tolerance = roundings(8)};
}

void add_followed(std::vector<Sample>& samples, const Rule& rule) {
  using ops::Followers;
  samples.push_back(
      followed(ops::AdamW::name, rule, 2, [](const Tensors& in, const Tensor& rules, const Followers& followers) {
        return ops::AdamW{.value = in[0],
                          .gradient = in[1],
                          .m = in[3],
                          .v = in[4],
                          .pieces = several_parameters(in[0].device()),
                          .rules = rules,
                          .step = 3,
                          .lr = {0.01, 0.02},
                          .gradient_scale = 0.5,
                          .weight_decay = 0.1,
                          .followers = followers};
      }));
  samples.push_back(
      followed(ops::Sgd::name, rule, 1, [](const Tensors& in, const Tensor& rules, const Followers& followers) {
        return ops::Sgd{.value = in[0],
                        .gradient = in[1],
                        .buffer = in[3],
                        .pieces = several_parameters(in[0].device()),
                        .rules = rules,
                        .step = 3,
                        .lr = {0.1, 0.2},
                        .weight_decay = 0.1,
                        .followers = followers};
      }));
  samples.push_back(
      followed(ops::Lars::name, rule, 1, [](const Tensors& in, const Tensor& rules, const Followers& followers) {
        return ops::Lars{.value = in[0],
                         .gradient = in[1],
                         .buffer = in[3],
                         .pieces = several_parameters(in[0].device()),
                         .rules = rules,
                         .lr = {0.1, 0.2},
                         .weight_decay = 0.1,
                         .trust = 0.5,
                         .followers = followers};
      }));
  samples.push_back(
      followed(ops::Lion::name, rule, 1, [](const Tensors& in, const Tensor& rules, const Followers& followers) {
        return ops::Lion{.value = in[0],
                         .gradient = in[1],
                         .m = in[3],
                         .pieces = several_parameters(in[0].device()),
                         .rules = rules,
                         .lr = {0.01, 0.02},
                         .weight_decay = 0.1,
                         .followers = followers};
      }));
}

void add_copy(std::vector<Sample>& samples) {
  samples.push_back({.operation = ops::Ema::name,
                     .name = "with_copy",
                     .inputs = {normal({9000}), normal({9000})},
                     .run =
                         [](const Tensors& in) {
                           const Tensor copy = Tensor::empty({8000}, DType::bf16, in[0].device());
                           minissl::run(ops::Ema{in[0], in[1], 0.9, copy});
                           return Tensors{in[0], copied(copy, in[0])};
                         },
                     .in_place = true,
                     .no_derivative = is_in_place,
                     .tolerance = roundings(4)});
}

// The same operations with numbers on the device, and the operation that computes one of them.
void add_numbers(std::vector<Sample>& samples) {
  const Shape s{1000};
  const auto on_device = [](double value, const Tensor& like) {
    return Tensor::full({1}, value, DType::f64, like.device());
  };
  const auto one_constant_rate = [](const Tensor& like) {
    const RuleRow rows[] = {{.constant_rate = 1}};
    return make_rules(rows, like.device());
  };
  samples.push_back(update(
      ops::AdamW::name, "numbers_on_device", {normal(s), normal(s, 0, 0.1), uniform(s, 0.01, 0.1), normal(s)}, 3,
      [=](const Tensors& in) {
        return ops::AdamW{.value = in[0],
                          .gradient = in[3],
                          .m = in[1],
                          .v = in[2],
                          .pieces = one_parameter(in[0]),
                          .step = on_device(7, in[0]),
                          .lr = on_device(0.01, in[0]),
                          .gradient_scale = on_device(0.5, in[0]),
                          .weight_decay = on_device(0.1, in[0])};
      },
      roundings(6)));
  samples.push_back(update(
      ops::Sgd::name, "numbers_on_device", {normal(s), normal(s), normal(s)}, 2,
      [=](const Tensors& in) {
        return ops::Sgd{.value = in[0],
                        .gradient = in[2],
                        .buffer = in[1],
                        .pieces = one_parameter(in[0]),
                        .step = on_device(2, in[0]),
                        .lr = on_device(0.1, in[0]),
                        .gradient_scale = on_device(0.5, in[0]),
                        .weight_decay = on_device(0.1, in[0])};
      },
      roundings(6)));
  samples.push_back(update(
      ops::Lars::name, "numbers_on_device", {normal(s), normal(s), normal(s)}, 2,
      [=](const Tensors& in) {
        return ops::Lars{.value = in[0],
                         .gradient = in[2],
                         .buffer = in[1],
                         .pieces = one_parameter(in[0]),
                         .rules = one_constant_rate(in[0]),
                         .lr = {on_device(0.2, in[0]), on_device(0.1, in[0])},
                         .gradient_scale = on_device(0.5, in[0]),
                         .weight_decay = on_device(0.1, in[0]),
                         .trust = 0.5};
      },
      roundings(8)));
  samples.push_back(update(
      ops::Lion::name, "numbers_on_device", {normal(s), normal(s), normal(s)}, 2,
      [=](const Tensors& in) {
        return ops::Lion{.value = in[0],
                         .gradient = in[2],
                         .m = in[1],
                         .pieces = one_parameter(in[0]),
                         .rules = one_constant_rate(in[0]),
                         .lr = {on_device(0.02, in[0]), on_device(0.01, in[0])},
                         .gradient_scale = on_device(0.5, in[0]),
                         .weight_decay = on_device(0.1, in[0])};
      },
      roundings(6)));
  samples.push_back(update(
      ops::Ema::name, "momentum_on_device", {normal(s), normal(s)}, 1,
      [=](const Tensors& in) {
        return ops::Ema{in[0], in[1], on_device(0.99, in[0])};
      },
      roundings(4)));
  for (const double clip_norm : {0.0, 0.5})
    samples.push_back({.operation = ops::GradientScale::name,
                       .name = fmt::format("clip_{}", clip_norm > 0),
                       .inputs = {uniform({1}, 1, 9)},
                       .run =
                           [=](const Tensors& in) {
                             const Tensor squared_norm = in[0].to(DType::f64);
                             ops::GradientScale op{squared_norm, Tensor::empty_like(squared_norm),
                                                   Tensor::empty_like(squared_norm), 2, clip_norm};
                             minissl::run(op);
                             return Tensors{op.norm, op.scale};
                           },
                       .no_derivative = "it measures gradients, outside every graph",
                       .tolerance = {1e-13, "computed in float64 for either type"}});
}

// Parameters of one and of several pieces, with norms on both sides of the bound.
void add_clip(std::vector<Sample>& samples) {
  for (const double clip_norm : {3.0, 1e4})
    samples.push_back(update(
        ops::ClipEach::name, fmt::format("to_{}", clip_norm), {normal({14000})}, 1,
        [=](const Tensors& in) {
          return ops::ClipEach{in[0], several_parameters(in[0].device()), 2, clip_norm};
        },
        roundings(2)));
}

}  // namespace

Family update_family() {
  Family family;
  for (const int64_t length : lengths) add(family.samples, length);
  for (const Rule& rule : rule_tables) add_followed(family.samples, rule);
  add_copy(family.samples);
  add_numbers(family.samples);
  add_clip(family.samples);
  const Tensor t7 = Tensor::zeros({7}), t8 = Tensor::zeros({8});
  family.errors = {
      {"adamw", "lengths_differ", [=] { minissl::run(ops::AdamW{.value = t7, .gradient = t8, .m = t7, .v = t7}); },
       "adamw: f32[8]"},
      {"sgd", "lengths_differ", [=] { minissl::run(ops::Sgd{.value = t7, .gradient = t7, .buffer = t8}); },
       "sgd: f32[8]"},
      {"lars", "lengths_differ", [=] { minissl::run(ops::Lars{.value = t7, .gradient = t7, .buffer = t8}); },
       "lars: f32[8]"},
      {"lars", "no_pieces", [=] { minissl::run(ops::Lars{.value = t7, .gradient = t7, .buffer = t7}); },
       "lars: no pieces"},
      {"lion", "lengths_differ", [=] { minissl::run(ops::Lion{.value = t7, .gradient = t7, .m = t8}); },
       "lion: f32[8]"},
      {"lion", "rules_in_f32",
       [=] { minissl::run(ops::Lion{.value = t7, .gradient = t7, .m = t7, .pieces = one_parameter(t7), .rules = t7}); },
       "lion: f32[7] is no table of rules"},
      {"sgd", "too_few_rules",
       [=] {
         const ParameterRange ranges[] = {{0, 3}, {3, 7}};
         const RuleRow rows[] = {{}};
         minissl::run(ops::Sgd{
             .value = t7, .gradient = t7, .buffer = t7, .pieces = make_pieces(ranges), .rules = make_rules(rows)});
       },
       "sgd: f64[1, 6] has no rule for parameter 1"},
      {"sgd", "average_too_long",
       [=] { minissl::run(ops::Sgd{.value = t7, .gradient = t7, .buffer = t7, .followers = {.average = t8}}); },
       "sgd: f32[8] for an average of f32[7]"},
      {"ema", "copy_in_f32",
       [=] {
         minissl::run(ops::Ema{t7, t7, 0.9, t7});
       },
       "ema: f32[7] for a copy of f32[7]"},
      {"ema", "lengths_differ",
       [=] {
         minissl::run(ops::Ema{t8, t7});
       },
       "ema: f32[7]"},
      {"accumulate", "lengths_differ",
       [=] {
         minissl::run(ops::Accumulate{t8, t7});
       },
       "accumulate: f32[7]"},
      {"accumulate", "types_differ",
       [=] {
         minissl::run(ops::Accumulate{t8, Tensor::zeros({8}, DType::f64)});
       },
       "f64[8]"},
  };
  return family;
}

}  // namespace minissl::samples
