#include "autograd/functions.h"
#include "tensor/convolution/winograd.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

using ops::ConvolutionGeometry;

struct Case {
  const char* name;
  Shape x, w;
  ConvolutionGeometry geometry;
};

// Each is tested forward and for both gradients.
const Case small_cases[] = {
    {"1x1", {2, 3, 3, 3}, {4, 1, 1, 3}, {}},
    {"3x3", {2, 5, 4, 3}, {2, 3, 3, 3}, {1, 1}},
    {"3x3_without_padding", {1, 5, 3, 2}, {3, 3, 3, 2}, {}},
    {"stride2_odd", {2, 5, 7, 3}, {2, 3, 3, 3}, {2, 1}},
    // Some pixels are in no patch: their gradient is zero, and must be written.
    {"1x1_stride2", {1, 4, 5, 3}, {2, 1, 1, 3}, {2, 0}},
    {"2x2_stride2_odd", {1, 5, 5, 1}, {3, 2, 2, 1}, {2, 0}},
    {"7x7_stride2_gray", {1, 9, 7, 1}, {2, 7, 7, 1}, {2, 3}},
    {"kernel_larger_than_image", {1, 2, 1, 3}, {2, 3, 3, 3}, {1, 1}},
};

const Case large_cases[] = {
    {"64_channels", {2, 14, 13, 64}, {64, 3, 3, 64}, {1, 1}},
    {"64_channels_stride2", {3, 15, 13, 64}, {128, 3, 3, 64}, {2, 1}},
    {"32_channels_stride2_even", {2, 8, 6, 32}, {48, 3, 3, 32}, {2, 1}},
    {"16_channels_stride3", {2, 10, 11, 16}, {16, 2, 2, 16}, {3, 1}},
    {"stride_beyond_kernel", {2, 7, 8, 16}, {16, 1, 2, 16}, {4, 0}},
    {"many_pixels_stride2", {2, 120, 118, 16}, {32, 3, 3, 16}, {2, 1}},
    {"many_outputs_stride2", {2, 10, 10, 48}, {400, 3, 3, 48}, {2, 1}},
    {"64_channels_1x1_stride2", {2, 9, 7, 64}, {128, 1, 1, 64}, {2, 0}},
    {"1x1_many_pixels", {3, 40, 41, 24}, {40, 1, 1, 24}, {}},
    {"1x1_odd_channels", {2, 17, 16, 7}, {11, 1, 1, 7}, {}},
    {"bottleneck_1x1", {2, 14, 14, 64}, {256, 1, 1, 64}, {}},
    {"7_channels", {3, 9, 11, 7}, {13, 3, 3, 7}, {1, 1}},
    {"stem", {2, 33, 31, 3}, {64, 7, 7, 3}, {2, 3}},
    {"stem_gray", {2, 33, 31, 1}, {64, 7, 7, 1}, {2, 3}},
    {"small_stem", {5, 32, 32, 3}, {64, 3, 3, 3}, {1, 1}},
    // Every remainder of tiles of four or fewer.
    {"tiles_1x2", {1, 1, 2, 16}, {16, 3, 3, 16}, {1, 1}},
    {"tiles_3x4", {3, 3, 4, 17}, {8, 3, 3, 17}, {1, 1}},
    {"tiles_5x6", {2, 5, 6, 24}, {33, 3, 3, 24}, {1, 1}},
    {"tiles_7x9", {1, 7, 9, 64}, {64, 3, 3, 64}, {1, 1}},
    {"tiles_8x11", {2, 8, 11, 32}, {32, 3, 3, 32}, {1, 1}},
    {"512_channels", {2, 7, 7, 512}, {512, 3, 3, 512}, {1, 1}},
    {"pairs", {3, 2, 2, 48}, {32, 3, 3, 48}, {1, 1}},
    {"pairs_512_channels", {5, 2, 2, 512}, {512, 3, 3, 512}, {1, 1}},
    {"single_pixel", {5, 1, 1, 48}, {32, 3, 3, 48}, {1, 1}},
    {"single_pixel_stride2", {5, 2, 2, 24}, {32, 3, 3, 24}, {2, 1}},
    {"single_pixel_of_some", {4, 2, 3, 8}, {5, 2, 2, 8}, {3, 0}},
    {"tiles_of_16_channels", {3, 3, 4, 16}, {48, 3, 3, 16}, {1, 1}},
    {"tiles_9x10", {2, 9, 10, 32}, {16, 3, 3, 32}, {1, 1}},
    // More than one part of the weight gradient's sum, and of the patches.
    {"many_tiles", {1, 276, 276, 16}, {16, 3, 3, 16}, {1, 1}},
    {"many_channels", {3, 24, 24, 1024}, {32, 3, 3, 1024}, {1, 1}},
};

void add(std::vector<Sample>& samples, const Case& c, bool small) {
  const ConvolutionGeometry geometry = c.geometry;
  const Shape x = c.x, w = c.w;
  const Shape y{x[0], geometry.output_extent(x[1], w[1]), geometry.output_extent(x[2], w[2]), w[0]};
  const int64_t output_terms = w[1] * w[2] * w[3], input_terms = w[1] * w[2] * w[0], weight_terms = y[0] * y[1] * y[2];

  const bool winograd = winograd::applies(x, w, geometry.stride, geometry.padding);
  const auto sum = winograd ? winograd_sum_of : sum_of;

  samples.push_back({.operation = ops::Convolution::name,
                     .name = c.name,
                     .inputs = {normal(x), normal(w)},
                     .function = "convolution",
                     .form = [=](const Variables& in) { return convolution(in[0], in[1], geometry); },
                     .differentiable = {true, true},
                     .small = small,
                     .bf16 = {true, true},
                     .tolerance = sum(output_terms),
                     .gradient_tolerance = sum(std::max(input_terms, weight_terms))});
  samples.push_back({
      .operation = ops::ConvolutionInputGradient::name,
      .name = c.name,
      .inputs = {normal(y), normal(w)},
      .run = [=](const Tensors& in) { return Tensors{ops::convolution_input_gradient(in[0], in[1], x, geometry)}; },
      .no_derivative = is_a_gradient,
      .bf16 = {true, true},
      .tolerance = sum(input_terms),
  });
  samples.push_back({
      .operation = ops::ConvolutionWeightGradient::name,
      .name = c.name,
      .inputs = {normal(y), normal(x)},
      .run = [=](const Tensors& in) { return Tensors{ops::convolution_weight_gradient(in[0], in[1], w, geometry)}; },
      .no_derivative = is_a_gradient,
      .bf16 = {true, true},
      .tolerance = sum(weight_terms),
  });
}

void add_with_bias(std::vector<Sample>& samples, const char* name, const Shape& x, const Shape& w, bool bias,
                   ConvolutionGeometry geometry) {
  const int64_t pixels = x[0] * geometry.output_extent(x[1], w[1]) * geometry.output_extent(x[2], w[2]);
  Sample sample{
      .operation = "convolution",
      .name = name,
      .inputs = {normal(x), normal(w)},
      .function = "convolution",
      .form =
          [=](const Variables& in) { return convolution(in[0], in[1], in.size() > 2 ? in[2] : Variable(), geometry); },
      .differentiable = {true, true},
      .tolerance = sum_of(w[1] * w[2] * w[3] + bias),
      .gradient_tolerance = sum_of(std::max(w[1] * w[2] * w[0], pixels))};
  if (bias) sample.inputs.push_back(normal({w[0]})), sample.differentiable.push_back(true);
  samples.push_back(sample);
}

// In evaluation, with all that follows or parts of it.
void add_finished(std::vector<Sample>& samples, const Case& c, bool bias, bool residual, bool relu) {
  const ConvolutionGeometry geometry = c.geometry;
  const Shape y{c.x[0], geometry.output_extent(c.x[1], c.w[1]), geometry.output_extent(c.x[2], c.w[2]), c.w[0]};
  const bool winograd = winograd::applies(c.x, c.w, geometry.stride, geometry.padding);
  Sample sample{
      .operation = ops::Convolution::name,
      .name = fmt::format("{}{}{}{}", c.name, bias ? "_bias" : "", residual ? "_residual" : "", relu ? "_relu" : ""),
      .inputs = {normal(c.x), normal(c.w)},
      .run =
          [=](const Tensors& in) {
            ops::ConvolutionFinish finish{.relu = relu};
            if (bias) finish.bias = in[2];
            if (residual) finish.residual = in.back();
            return Tensors{convolution_inference(in[0], in[1], geometry, finish).value()};
          },
      .function = "convolution_inference",
      .no_derivative = "nothing is trained with folded weights",
      .bf16 = {true, true},
      .tolerance = (winograd ? winograd_sum_of : sum_of)(c.w[1] * c.w[2] * c.w[3] + bias + residual)};
  if (bias) sample.inputs.push_back(normal({c.w[0]})), sample.bf16.push_back(false);
  if (residual) sample.inputs.push_back(normal(y)), sample.bf16.push_back(true);
  samples.push_back(sample);
}

// x (N, H, W, I), w (I, KH, KW, O)
void add_transposed(std::vector<Sample>& samples, const char* name, const Shape& x, const Shape& w, bool bias,
                    ConvolutionGeometry geometry, bool small = true) {
  const int64_t height = geometry.transposed_extent(x[1], w[1]), width = geometry.transposed_extent(x[2], w[2]);
  const bool winograd = winograd::applies({x[0], height, width, w[3]}, w, geometry.stride, geometry.padding);
  const auto sum = winograd ? winograd_sum_of : sum_of;
  const int64_t most_terms = std::max({w[1] * w[2] * w[3], x.leading(1), x[0] * height * width});
  Sample sample{.operation = "conv_transpose",
                .name = name,
                .inputs = {normal(x), normal(w)},
                .function = "conv_transpose",
                .form =
                    [=](const Variables& in) {
                      return conv_transpose(in[0], in[1], in.size() > 2 ? in[2] : Variable(), geometry);
                    },
                .differentiable = {true, true},
                .small = small,
                .tolerance = sum(w[1] * w[2] * w[0] + bias),
                .gradient_tolerance = sum(most_terms)};
  if (bias) sample.inputs.push_back(normal({w[3]})), sample.differentiable.push_back(true);
  if (!bias) sample.bf16 = {true, true};
  samples.push_back(sample);
}

ErrorCase transposed_error(const char* name, const Shape& x, const Shape& w, ConvolutionGeometry geometry,
                           const char* message) {
  return {"conv_transpose", name, [=] { ops::conv_transpose(Tensor::zeros(x), Tensor::zeros(w), geometry); }, message};
}

ErrorCase error(const char* name, const Shape& x, const Shape& w, ConvolutionGeometry geometry, const char* message) {
  return {"convolution", name, [=] { ops::convolution(Tensor::zeros(x), Tensor::zeros(w), geometry); }, message};
}

}  // namespace

Family convolution_family() {
  Family family;
  for (const Case& c : small_cases) add(family.samples, c, true);
  for (const Case& c : large_cases) add(family.samples, c, false);
  // Every way; products by few rows, in pieces of long sums and with more outputs than pixels; tiles beyond the edge.
  for (const Case& c :
       {Case{"3x3", {2, 5, 4, 3}, {2, 3, 3, 3}, {1, 1}}, Case{"stem", {2, 33, 31, 3}, {64, 7, 7, 3}, {2, 3}},
        Case{"1x1_many_pixels", {3, 40, 41, 24}, {40, 1, 1, 24}, {}},
        Case{"1x1_odd_channels", {2, 17, 16, 7}, {11, 1, 1, 7}, {}},
        Case{"1x1_of_a_pixel", {2, 1, 1, 64}, {256, 1, 1, 64}, {}},
        Case{"1x1_long_sums", {1, 2, 3, 4096}, {32, 1, 1, 4096}, {}},
        Case{"1x1_stride2", {2, 9, 7, 64}, {128, 1, 1, 64}, {2, 0}},
        Case{"3x3_stride2", {3, 15, 13, 64}, {128, 3, 3, 64}, {2, 1}},
        Case{"tiles_7x9", {1, 7, 9, 64}, {64, 3, 3, 64}, {1, 1}},
        Case{"512_channels", {2, 7, 7, 512}, {512, 3, 3, 512}, {1, 1}},
        Case{"single_pixel_stride2", {5, 2, 2, 24}, {32, 3, 3, 24}, {2, 1}}})
    add_finished(family.samples, c, true, true, true);
  const Case small{"stride2", {2, 5, 7, 3}, {2, 3, 3, 3}, {2, 1}};
  add_finished(family.samples, small, true, false, true);
  add_finished(family.samples, small, false, true, false);
  add_finished(family.samples, small, false, false, true);
  add_with_bias(family.samples, "with_bias", {2, 5, 4, 3}, {2, 3, 3, 3}, true, {2, 1});
  add_with_bias(family.samples, "without_bias", {2, 5, 4, 3}, {2, 3, 3, 3}, false, {2, 1});
  add_transposed(family.samples, "1x1", {2, 3, 3, 3}, {3, 1, 1, 4}, true, {});
  add_transposed(family.samples, "3x3", {2, 3, 4, 3}, {3, 3, 3, 2}, true, {1, 1});
  // Twice the extent, as in decoders; then overlapping kernels, pixels that no kernel reaches, and cropped borders.
  add_transposed(family.samples, "2x2_stride2", {2, 3, 2, 3}, {3, 2, 2, 2}, false, {2, 0});
  add_transposed(family.samples, "4x4_stride2", {1, 3, 2, 2}, {2, 4, 4, 3}, true, {2, 1});
  add_transposed(family.samples, "stride_beyond_kernel", {1, 2, 3, 2}, {2, 2, 2, 3}, true, {3, 0});
  add_transposed(family.samples, "much_padding", {1, 4, 3, 2}, {2, 3, 3, 1}, false, {2, 2});
  add_transposed(family.samples, "one_pixel", {2, 1, 1, 3}, {3, 3, 3, 2}, true, {1, 0});
  add_transposed(family.samples, "64_channels_2x2_stride2", {2, 7, 5, 64}, {64, 2, 2, 32}, true, {2, 0}, false);
  add_transposed(family.samples, "64_channels_3x3", {2, 8, 7, 64}, {64, 3, 3, 32}, true, {1, 1}, false);
  family.errors = {
      error("channels_differ", {1, 5, 5, 3}, {4, 3, 3, 2}, {}, "[1, 5, 5, 3] (N, H, W, I) and weights [4, 3, 3, 2]"),
      error("not_images", {5, 5, 3}, {4, 3, 3, 3}, {}, "[5, 5, 3]"),
      error("image_too_small", {1, 5, 2, 3}, {4, 3, 3, 3}, {}, "[1, 5, 2, 3] are smaller than the kernel"),
      error("stride_of_zero", {1, 5, 5, 3}, {4, 3, 3, 3}, {0, 1}, "stride 0"),
      error("negative_padding", {1, 5, 5, 3}, {4, 3, 3, 3}, {1, -1}, "padding -1"),
      transposed_error("channels_differ", {1, 5, 5, 3}, {4, 2, 2, 3}, {2, 0},
                       "[1, 5, 5, 3] (N, H, W, I) and weights f32[4, 2, 2, 3]"),
      transposed_error("not_images", {5, 5, 3}, {3, 2, 2, 4}, {2, 0}, "f32[5, 5, 3]"),
      transposed_error("stride_of_zero", {1, 5, 5, 3}, {3, 2, 2, 4}, {0, 0}, "stride 0"),
      transposed_error("padding_takes_all", {1, 1, 5, 3}, {3, 2, 2, 4}, {2, 1}, "a padding of 1 leaves nothing"),
      {"conv_transpose", "bias_too_long",
       [] {
         conv_transpose(Tensor::zeros({1, 5, 5, 3}), Tensor::zeros({3, 2, 2, 4}), Tensor::zeros({5}), {2, 0});
       },
       "add_row: f32[1, 10, 10, 4] and f32[5]"},
      {"convolution", "bias_too_long",
       [] {
         convolution(Tensor::zeros({1, 5, 5, 3}), Tensor::zeros({4, 2, 2, 3}), Tensor::zeros({5}), {});
       },
       "add_row: f32[1, 4, 4, 4] and f32[5]"},
      {ops::Convolution::name, "finish_bias_too_long",
       [] {
         ops::convolution(Tensor::zeros({1, 5, 5, 3}), Tensor::zeros({4, 2, 2, 3}), {}, {.bias = Tensor::zeros({5})});
       },
       "bias f32[5] for outputs [1, 4, 4, 4]"},
      {ops::Convolution::name, "residual_of_another_shape",
       [] {
         ops::convolution(Tensor::zeros({1, 5, 5, 3}), Tensor::zeros({4, 2, 2, 3}), {},
                          {.residual = Tensor::zeros({1, 4, 4, 3})});
       },
       "residual f32[1, 4, 4, 3] for outputs [1, 4, 4, 4]"},
      {"convolution", "types_differ",
       [] {
         ops::convolution(Tensor::zeros({1, 5, 5, 3}), Tensor::zeros({4, 3, 3, 3}, DType::f64), {});
       },
       "f64[4, 3, 3, 3]"},
      {ops::ConvolutionInputGradient::name, "shapes_differ",
       [] {
         ops::convolution_input_gradient(Tensor::zeros({1, 5, 5, 4}), Tensor::zeros({4, 3, 3, 3}), {1, 5, 5, 3}, {});
       },
       "is [1, 3, 3, 4], not f32[1, 5, 5, 4]"},
      {ops::ConvolutionWeightGradient::name, "shapes_differ",
       [] {
         ops::convolution_weight_gradient(Tensor::zeros({2, 3, 3, 4}), Tensor::zeros({1, 5, 5, 3}), {4, 3, 3, 3}, {});
       },
       "is [1, 3, 3, 4], not f32[2, 3, 3, 4]"},
  };
  return family;
}

}  // namespace minissl::samples
