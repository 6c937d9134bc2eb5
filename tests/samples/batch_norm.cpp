#include "tensor/ops/batch_norm.h"

#include <cmath>

#include "autograd/functions.h"
#include "tensor/bits.h"
#include "tensor/ops/gather.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

struct Case {
  const char* name;
  Shape x;
  bool small;
};

const Case cases[] = {
    {"odd", {2, 3, 5, 3}, true},
    {"gray", {1, 3, 3, 1}, true},
    {"rows", {5, 7}, true},
    {"64_channels", {4, 17, 15, 64}, false},
    {"7_channels", {2, 65, 33, 7}, false},  // several blocks of rows, the last one cut short
    {"wide_rows", {17, 1025}, false},
    {"3200_channels", {9, 3201}, false},  // one row fills a block
};

struct Variant {
  const char* name;
  bool residual, relu;
};
const Variant variants[] = {
    {"", false, false}, {"_relu", false, true}, {"_residual", true, false}, {"_residual_relu", true, true}};

// Statistics and tensors derived from them are f32 for bf16 images.
Tensor per_channel(const Tensor& x) { return Tensor::empty({x.dim(-1)}, master_type(x.dtype()), x.device()); }

ops::BatchNormStatistics statistics_of(const Tensor& x) {
  ops::BatchNormStatistics op{x, per_channel(x), per_channel(x)};
  minissl::run(op);
  return op;
}

// With the batch's statistics, from (x, weight, bias[, residual]): y, mean, variance, mask.
Tensors batch_norm(const Tensors& in, const Variant& v) {
  const Tensor& x = in[0];
  Shape bits = x.shape();
  bits[-1] = bytes_for_bits(bits[-1]);
  const ops::BatchNormStatistics statistics = statistics_of(x);
  ops::BatchNorm op{.x = x,
                    .weight = in[1],
                    .bias = in[2],
                    .mean = statistics.mean,
                    .variance = statistics.variance,
                    .residual = v.residual ? in[3] : Tensor(),
                    .y = like(x, x.shape()),
                    .relu = v.relu,
                    .mask = Tensor::empty(bits, DType::u8, x.device())};
  minissl::run(op);
  return {op.y, op.mean, op.variance, op.mask};
}

// ReLU's kink: moves elements of x until no output is within a hundredth of zero. (The statistics change with x, hence
// the loop.)
Tensors clear_of_kink(Tensors in, const Variant& v) {
  for (bool clear = !v.relu; !clear;) {
    clear = true;
    const Tensor y = batch_norm(in, {"", v.residual, false})[0];
    double* x = in[0].mutable_data<double>();
    for (int64_t i = 0; i < y.numel(); ++i)
      if (std::abs(y.at(i)) < 0.01) {
        x[i] += 0.125;
        clear = false;
      }
  }
  return in;
}

std::vector<Input> inputs_for(const Shape& x, bool residual, double mean = 0.5) {
  const Shape channels{x[-1]};
  std::vector<Input> inputs{normal(x, mean, 1.5), away_from_zero(channels, 0.3), normal(channels)};
  if (residual) inputs.push_back(normal(x));
  return inputs;
}

Tolerance value_tolerance(const Shape& x) {
  return {sum_of(x.numel() / x[-1]).relative + roundings(16).relative, "sums over the batch, then x minus its mean"};
}
// dx is dy minus its mean and its part along x, times 1 / deviation, which is large if a channel of few elements
// happens to have a small deviation.
Tolerance gradient_tolerance(const Shape& x) {
  return {4 * value_tolerance(x).relative, "differences of sums over the batch, divided by its deviation"};
}

Sample forward(const Case& c, const Variant& v) {
  const auto differentiable = [&] { return std::vector<bool>(v.residual ? 4 : 3, true); };
  return {.operation = ops::BatchNorm::name,
          .name = std::string(c.name) + v.name,
          .inputs = inputs_for(c.x, v.residual),
          .derive = [=](Tensors in) { return clear_of_kink(std::move(in), v); },
          .run = [=](const Tensors& in) { return batch_norm(in, v); },
          .function = "batch_norm",
          .form =
              [=](const Variables& in) {
                BatchNormOptions options{.relu = v.relu};
                if (v.residual) options.residual = in[3];
                return minissl::batch_norm(in[0], in[1], in[2], options).y;
              },
          .differentiable = differentiable(),
          .small = c.small,
          .bf16 = v.residual ? std::vector{true, false, false, true} : std::vector{true, false, false},
          .tolerance = value_tolerance(c.x),
          .gradient_tolerance = gradient_tolerance(c.x)};
}

Sample statistics(const Case& c) {
  return {.operation = ops::BatchNormStatistics::name,
          .name = c.name,
          .inputs = {normal(c.x, 0.5, 1.5)},
          .run =
              [](const Tensors& in) {
                const ops::BatchNormStatistics op = statistics_of(in[0]);
                return Tensors{op.mean, op.variance};
              },
          .no_derivative = "it is a part of batch_norm, whose gradient is that of both",
          .bf16 = {true},
          .tolerance = value_tolerance(c.x)};
}

// dy, x, weight, bias, mean, variance, mask
Tensors for_gradient(const Tensors& in, const Case& c, const Variant& v) {
  const Tensors out = batch_norm(clear_of_kink(in, v), v);
  const Tensor dy = normal(c.x).draw(c.x, Random(1, RandomSite::test));
  return {dy, in[0], in[1], in[2], out[1], out[2], out[3]};
}

ops::BatchNormGradientSums gradient_sums_of(const Tensors& in, const Variant& v) {
  ops::BatchNormGradientSums op{.dy = in[0],
                                .x = in[1],
                                .weight = in[2],
                                .bias = in[3],
                                .mean = in[4],
                                .variance = in[5],
                                // After an addition the mask is needed; else it follows from x.
                                .mask = v.relu && v.residual ? in[6] : Tensor(),
                                .sums = Tensor::empty({2, in[0].dim(-1)}, DType::f64, in[0].device()),
                                .dweight = per_channel(in[0]),
                                .dbias = per_channel(in[0]),
                                .relu = v.relu};
  minissl::run(op);
  return op;
}

// dx and, with a residual, dresidual.
Tensors apply_sums(const ops::BatchNormGradientSums& of, const Variant& v, int64_t count) {
  ops::BatchNormGradient op{.dy = of.dy,
                            .x = of.x,
                            .weight = of.weight,
                            .bias = of.bias,
                            .mean = of.mean,
                            .variance = of.variance,
                            .mask = of.mask,
                            .sums = of.sums,
                            .dx = like(of.dy, of.dy.shape()),
                            .dresidual = v.residual ? like(of.dy, of.dy.shape()) : Tensor(),
                            .count = count,
                            .relu = v.relu};
  minissl::run(op);
  return v.residual ? Tensors{op.dx, op.dresidual} : Tensors{op.dx};
}

Sample gradient_sums(const Case& c, const Variant& v) {
  return {.operation = ops::BatchNormGradientSums::name,
          .name = std::string(c.name) + v.name,
          .inputs = inputs_for(c.x, v.residual),
          .derive = [=](const Tensors& in) { return for_gradient(in, c, v); },
          .run =
              [=](const Tensors& in) {
                const ops::BatchNormGradientSums op = gradient_sums_of(in, v);
                return Tensors{op.sums, op.dweight, op.dbias};
              },
          .no_derivative = is_a_gradient,
          .bf16 = {true, true, false, false, false, false, false},
          .tolerance = gradient_tolerance(c.x)};
}

// Both operations, over `ranks` times as many elements as this rank has.
Sample gradient(const Case& c, const Variant& v, int64_t ranks = 1) {
  return {.operation = ops::BatchNormGradient::name,
          .name = std::string(c.name) + v.name + (ranks > 1 ? fmt::format("_{}_ranks", ranks) : ""),
          .inputs = inputs_for(c.x, v.residual),
          .derive = [=](const Tensors& in) { return for_gradient(in, c, v); },
          .run =
              [=](const Tensors& in) {
                const ops::BatchNormGradientSums sums = gradient_sums_of(in, v);
                const Tensors applied = apply_sums(sums, v, ranks * in[0].numel() / in[0].dim(-1));
                Tensors out{applied[0], sums.dweight, sums.dbias};
                if (v.residual) out.push_back(applied[1]);
                return out;
              },
          .no_derivative = is_a_gradient,
          .bf16 = {true, true, false, false, false, false, false},
          .tolerance = gradient_tolerance(c.x)};
}

Sample inference(const Case& c, const Variant& v) {
  const Shape channels{c.x[-1]};
  std::vector<Input> inputs = inputs_for(c.x, false);
  inputs.push_back(normal(channels, 0.5, 0.1));
  inputs.push_back(uniform(channels, 0.5, 3));
  if (v.residual) inputs.push_back(normal(c.x));
  return {.operation = "batch_norm_inference",
          .name = std::string(c.name) + v.name,
          .inputs = std::move(inputs),
          .run =
              [=](const Tensors& in) {
                BatchNormOptions options{.relu = v.relu};
                if (v.residual) options.residual = in[5];
                return Tensors{batch_norm_inference(in[0], in[1], in[2], in[3], in[4], options).value()};
              },
          .function = "batch_norm_inference",
          .no_derivative = "nothing is trained with frozen statistics",
          .bf16 = v.residual ? std::vector{true, false, false, false, false, true}
                             : std::vector{true, false, false, false, false},
          .tolerance = roundings(16)};
}

// Several groups are several batches, one after the other.
Sample grouped(const Shape& x, int64_t groups, const Variant& v) {
  Sample sample = forward({"", x, true}, v);
  sample.name = fmt::format("{}_groups{}", groups, v.name);
  const auto run_grouped = [=](const Variables& in) {
    BatchNormOptions options{.relu = v.relu, .groups = groups};
    if (v.residual) options.residual = in[3];
    return minissl::batch_norm(in[0], in[1], in[2], options);
  };
  // Outputs are moved away from the kink group by group, because statistics are per group.
  sample.derive = [=](Tensors in) {
    for (int64_t g = 0; g < groups; ++g) {
      const auto part = [&](const Tensor& t) { return t.rows(g * x[0] / groups, (g + 1) * x[0] / groups); };
      Tensors group{part(in[0]), in[1], in[2]};
      if (v.residual) group.push_back(part(in[3]));
      clear_of_kink(group, v);
    }
    return in;
  };
  sample.run = [=](const Tensors& in) {
    const BatchNormResult result = run_grouped(Variables(in.begin(), in.end()));
    return Tensors{result.y.value(), result.mean, result.variance};
  };
  sample.form = [=](const Variables& in) { return run_grouped(in).y; };
  sample.tolerance = value_tolerance(x);
  sample.gradient_tolerance = gradient_tolerance(x);
  return sample;
}

// Every other position, shuffled: statistics over these, zeros elsewhere.
Sample at_positions(const Shape& x, const Variant& v) {
  const int64_t positions = x.numel() / x[-1], half = positions / 2;
  Sample sample = forward({"", x, true}, v);
  sample.name = std::string("at_positions") + v.name;
  const auto chosen = [=](Device device) {
    std::vector<int64_t> index(static_cast<size_t>(half));
    for (int64_t i = 0; i < half; ++i) index[static_cast<size_t>(i)] = 2 * ((i * 7 + 3) % half);
    return Tensor::from({half}, index).to(device);
  };
  const auto rows = [=](const Tensor& t) { return t.view({positions, x[-1]}); };
  const auto run_chosen = [=](const Variables& in) {
    BatchNormOptions options{.relu = v.relu, .positions = chosen(in[0].value().device())};
    if (v.residual) options.residual = in[3];
    return minissl::batch_norm(in[0], in[1], in[2], options);
  };
  sample.derive = [=](Tensors in) {
    const Tensor index = chosen({});
    Tensors visible{ops::gather_rows(rows(in[0]), index), in[1], in[2]};
    if (v.residual) visible.push_back(ops::gather_rows(rows(in[3]), index));
    const Tensor moved = clear_of_kink(visible, v)[0];
    for (int64_t i = 0; i < half; ++i) {
      const int64_t row = index.data<int64_t>()[i];
      rows(in[0]).rows(row, row + 1).copy_from(moved.rows(i, i + 1));
    }
    return in;
  };
  sample.run = [=](const Tensors& in) {
    const BatchNormResult result = run_chosen(Variables(in.begin(), in.end()));
    return Tensors{result.y.value(), result.mean, result.variance};
  };
  sample.form = [=](const Variables& in) { return run_chosen(in).y; };
  return sample;
}

Sample inference_at_positions(const Shape& x, const Variant& v) {
  Sample sample = inference({"at_positions", x, true}, v);
  sample.run = [=](const Tensors& in) {
    const Tensor positions = Tensor::from({3}, std::vector<int64_t>{4, 0, 3}).to(in[0].device());
    BatchNormOptions options{.relu = v.relu, .positions = positions};
    if (v.residual) options.residual = in[5];
    return Tensors{batch_norm_inference(in[0], in[1], in[2], in[3], in[4], options).value()};
  };
  return sample;
}

Sample tracking(int64_t groups, int64_t channels) {
  const Shape of_batches{groups, channels}, running{channels};
  // running mean and variance, then those of the batches
  return {.operation = ops::TrackStatistics::name,
          .name = fmt::format("{}x{}", groups, channels),
          .inputs = {normal(running), uniform(running, 0.5, 2), normal(of_batches), uniform(of_batches, 0.5, 2)},
          .run =
              [](const Tensors& in) {
                const Tensor batches = Tensor::full({}, 41, DType::i64, in[0].device());
                minissl::run(ops::TrackStatistics{.mean = in[2],
                                                  .variance = in[3],
                                                  .running_mean = in[0],
                                                  .running_variance = in[1],
                                                  .batches = batches,
                                                  .count = 6});
                return Tensors{in[0], in[1], batches};
              },
          .in_place = true,
          .no_derivative = is_in_place,
          .tolerance = roundings(8)};
}

ErrorCase error(const char* name, const Shape& x, const Shape& weight, const Shape& bias, const Shape& residual,
                const char* message) {
  return {"batch_norm", name,
          [=] {
            BatchNormOptions options;
            if (residual.rank() > 0) options.residual = Tensor::zeros(residual);
            minissl::batch_norm(Tensor::zeros(x), Tensor::zeros(weight), Tensor::zeros(bias), options);
          },
          message};
}

}  // namespace

Family batch_norm_family() {
  Family family;
  for (const Case& c : cases) {
    family.samples.push_back(statistics(c));
    for (const Variant& v : variants) {
      family.samples.push_back(forward(c, v));
      family.samples.push_back(gradient_sums(c, v));
      family.samples.push_back(gradient(c, v));
      family.samples.push_back(inference(c, v));
    }
  }
  for (const Variant& v : {variants[0], variants[3]}) {
    family.samples.push_back(gradient(cases[0], v, 2));
    family.samples.push_back(at_positions({2, 3, 4, 5}, v));
    family.samples.push_back(inference_at_positions({2, 3, 4, 5}, v));
  }
  family.samples.push_back(grouped({6, 3, 3, 5}, 3, variants[0]));
  family.samples.push_back(grouped({6, 3, 3, 5}, 2, variants[3]));
  for (const int64_t groups : {1, 3})
    for (const int64_t channels : {1, 7, 300}) family.samples.push_back(tracking(groups, channels));
  // The mean of an X-ray's features may be large compared with their deviation.
  Sample far_off = forward({"far_from_zero", {4, 5, 5, 3}, false}, variants[0]);
  far_off.inputs = inputs_for({4, 5, 5, 3}, false, 1000);
  far_off.bf16 = {};  // bf16 numbers are 4 apart there
  far_off.tolerance = far_off.gradient_tolerance = {
      8 * 1000 * 0x1p-24, "a mean of 1000 is summed in float32, to a few 2^-24 of it; deviations are about 1"};
  family.samples.push_back(far_off);

  const Tensor x = Tensor::zeros({2, 3, 3, 4}), c4 = Tensor::zeros({4}), c5 = Tensor::zeros({5});
  family.errors = {
      error("one_element_per_channel", {1, 1, 1, 4}, {4}, {4}, {}, "f32[1, 1, 1, 4] has one element per channel"),
      {"batch_norm", "groups_that_do_not_divide_the_batch", [=] { minissl::batch_norm(x, c4, c4, {.groups = 3}); },
       "f32[2, 3, 3, 4] does not fall into 3 equal groups"},
      {"batch_norm", "positions_and_groups",
       [=] { minissl::batch_norm(x, c4, c4, {.groups = 2, .positions = Tensor::zeros({1}, DType::i64)}); },
       "positions need groups = 1, not 2"},
      {"batch_norm", "a_position_twice",
       [=] { minissl::batch_norm(x, c4, c4, {.positions = Tensor::zeros({2}, DType::i64)}); },
       "index 0 is there twice"},
      {"batch_norm", "a_position_beyond_the_end",
       [=] { minissl::batch_norm(x, c4, c4, {.positions = Tensor::full({2}, 18, DType::i64)}); },
       "index 18 is out of the range of 18 rows"},
      error("weight_too_short", {2, 3, 3, 4}, {3}, {4}, {}, "f32[3]"),
      error("bias_too_long", {2, 3, 3, 4}, {4}, {5}, {}, "f32[5]"),
      error("residual_of_another_shape", {2, 3, 3, 4}, {4}, {4}, {2, 3, 3, 5}, "f32[2, 3, 3, 5]"),
      {"batch_norm_inference", "asked_for_a_derivative",
       [=] { batch_norm_inference(Variable::leaf(x), c4, c4, c4, c4); }, "has no derivative"},
      {"batch_norm_inference", "mean_too_long", [=] { batch_norm_inference(x, c4, c4, c5, c4); }, "f32[5]"},
      {"batch_norm_inference", "variance_too_long", [=] { batch_norm_inference(x, c4, c4, c4, c5); }, "f32[5]"},
  };
  return family;
}

}  // namespace minissl::samples
