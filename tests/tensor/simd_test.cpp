#include <array>
#include <cmath>
#include <gtest/gtest.h>

#include "tensor/convolution/implicit_gemm.h"
#include "tensor/convolution/winograd.h"
#include "tensor/ops/convolution.h"
#include "tensor/random.h"
#include "tensor/simd/kernels.h"

/// The kernels for every instruction set of this machine, not only those it would choose.
namespace minissl {
namespace {

std::vector<float> draw(int64_t count, uint32_t number) {
  const Random random(0, RandomSite::test, 0, 0, number);
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = random.normal(static_cast<uint32_t>(i));
  return values;
}

class Simd : public testing::TestWithParam<const simd::Kernels*> {
 protected:
  Simd() { simd::use(*GetParam()); }
  ~Simd() override { simd::use(*simd::all_kernels().back()); }
};

TEST_P(Simd, MultipliesMatrices) {
  const simd::Kernels& k = *GetParam();
  const int64_t columns = 3 * k.width, depth = 7;
  for (const int64_t rows : {1, 5, 14, 15, 29})
    for (const bool transposed : {false, true})
      for (const bool add : {false, true}) {
        const int64_t a_stride = (transposed ? rows : depth) + 3, b_stride = columns + 1, c_stride = columns + 2;
        const std::vector<float> a = draw(std::max(rows, depth) * a_stride, 1), b = draw(depth * b_stride, 2);
        const std::vector<float> before = draw(rows * c_stride, 3);
        std::vector<float> c = before;
        const simd::Addend addend{add ? c.data() : nullptr, c_stride};
        (transposed ? k.multiply_transposed : k.multiply)(rows, columns, depth, a.data(), a_stride, b.data(), b_stride,
                                                          c.data(), c_stride, addend);
        if (transposed) {
          const std::vector<float> as_it_was = c;
          std::vector<float> packed(static_cast<size_t>((rows + k.max_rows) * depth));
          k.pack_transposed(rows, depth, a.data(), a_stride, packed.data());
          c = before;
          k.multiply_packed(rows, columns, depth, packed.data(), 0, b.data(), b_stride, c.data(), c_stride, addend);
          ASSERT_EQ(c, as_it_was) << "packing changes no bit";
        }
        for (int64_t i = 0; i < rows * c_stride; ++i) {
          const int64_t row = i / c_stride, column = i % c_stride;
          const auto at = [](const std::vector<float>& v, int64_t index) { return v[static_cast<size_t>(index)]; };
          double expected = column >= columns || add ? at(before, i) : 0;
          for (int64_t d = 0; column < columns && d < depth; ++d)
            expected += static_cast<double>(at(a, transposed ? d * a_stride + row : row * a_stride + d)) *
                        at(b, d * b_stride + column);
          ASSERT_NEAR(at(c, i), expected, 1e-5) << "row " << row << ", column " << column << " of " << rows;
        }
      }
}

TEST_P(Simd, TransposesBlocks) {
  const simd::Kernels& k = *GetParam();
  const size_t w = static_cast<size_t>(k.width), stride = w + 3;
  const std::vector<float> from = draw(k.width * (k.width + 3), 1);
  std::vector<float> to(from.size());
  k.transpose(from.data(), k.width + 3, to.data(), k.width + 3);
  for (size_t i = 0; i < w; ++i)
    for (size_t j = 0; j < w; ++j) ASSERT_EQ(to[i * stride + j], from[j * stride + i]) << i << ", " << j;
}

// Winograd: both forms, weights that fit the caches and weights that don't, and remainders of tiles. Implicit GEMM:
// remainders of panels, groups and strides.
TEST_P(Simd, ConvolvesInAllDirections) {
  struct {
    Shape x, w;
    int64_t stride;
  } const cases[] = {{{2, 7, 10, 48}, {80, 3, 3, 48}, 1},   {{3, 2, 2, 16}, {32, 3, 3, 16}, 1},
                     {{1, 4, 6, 192}, {192, 3, 3, 192}, 1}, {{2, 7, 10, 48}, {80, 3, 3, 48}, 2},
                     {{3, 6, 5, 16}, {160, 3, 3, 16}, 2},   {{2, 13, 12, 32}, {16, 3, 3, 32}, 3}};
  const auto expect_near = [](const Tensor& actual, const Tensor& expected, double tolerance) {
    double square = 0, worst = 0;
    for (int64_t i = 0; i < expected.numel(); ++i) {
      square += expected.at(i) * expected.at(i);
      worst = std::max(worst, std::abs(actual.at(i) - expected.at(i)));
    }
    EXPECT_LE(worst, tolerance * std::sqrt(square / static_cast<double>(expected.numel())));
  };
  for (const auto& [x_shape, w_shape, stride] : cases) {
    ASSERT_TRUE(winograd::applies(x_shape, w_shape, stride, 1) || implicit_gemm::applies(w_shape));
    const ops::ConvolutionGeometry geometry{stride, 1};
    const Shape y_shape{x_shape[0], geometry.output_extent(x_shape[1], 3), geometry.output_extent(x_shape[2], 3),
                        w_shape[0]};
    const Tensor x = Tensor::from(x_shape, draw(x_shape.numel(), 1)),
                 w = Tensor::from(w_shape, draw(w_shape.numel(), 2));
    const Tensor dy = Tensor::from(y_shape, draw(y_shape.numel(), 3));
    const Tensor y = ops::convolution(x, w, geometry);
    const Tensor dx = ops::convolution_input_gradient(dy, w, x_shape, geometry);
    const Tensor dw = ops::convolution_weight_gradient(dy, x, w_shape, geometry);
    const ReferenceScope reference;
    expect_near(y, ops::convolution(x, w, geometry), 1e-5);
    expect_near(dx, ops::convolution_input_gradient(dy, w, x_shape, geometry), 1e-5);
    expect_near(dw, ops::convolution_weight_gradient(dy, x, w_shape, geometry), 1e-5);
  }
}

// The rounding errors stated in winograd.h: with 256 channels, relative to the root mean square.
TEST(Winograd, RoundingErrorsAreThoseStated) {
  const Shape x_shape{4, 16, 16, 256}, w_shape{64, 3, 3, 256}, y_shape{4, 16, 16, 64};
  const Tensor x = Tensor::from(x_shape, draw(x_shape.numel(), 1)), w = Tensor::from(w_shape, draw(w_shape.numel(), 2));
  const Tensor dy = Tensor::from(y_shape, draw(y_shape.numel(), 3));
  const ops::ConvolutionGeometry geometry{1, 1};
  const auto error = [](const Tensor& actual, const Tensor& expected) {
    double square = 0, difference = 0;
    for (int64_t i = 0; i < expected.numel(); ++i) {
      square += expected.at(i) * expected.at(i);
      difference += (actual.at(i) - expected.at(i)) * (actual.at(i) - expected.at(i));
    }
    return std::sqrt(difference / square);
  };
  const Tensor x64 = x.to(DType::f64), w64 = w.to(DType::f64), dy64 = dy.to(DType::f64);
  const Tensor y64 = ops::convolution(x64, w64, geometry);
  const Tensor dx64 = ops::convolution_input_gradient(dy64, w64, x_shape, geometry);
  const Tensor dw64 = ops::convolution_weight_gradient(dy64, x64, w_shape, geometry);
  const auto errors = [&] {
    return std::array{error(ops::convolution(x, w, geometry), y64),
                      error(ops::convolution_input_gradient(dy, w, x_shape, geometry), dx64),
                      error(ops::convolution_weight_gradient(dy, x, w_shape, geometry), dw64)};
  };
  const auto fast = errors();
  winograd::enable(false);
  const auto direct = errors();
  winograd::enable(true);
  for (size_t i = 0; i < fast.size(); ++i) {
    SCOPED_TRACE(fmt::format("direction {}: {:.2e} by Winograd, {:.2e} directly", i, fast[i], direct[i]));
    EXPECT_LE(fast[i], 2e-6);
    EXPECT_LE(fast[i], 8 * direct[i]);
  }
}

TEST(Winograd, IsOffWhereItIsNotWantedOrNotPossible) {
  const Shape x{1, 8, 8, 64}, w{64, 3, 3, 64};
  EXPECT_TRUE(winograd::applies(x, w, 1, 1));
  EXPECT_FALSE(winograd::applies(x, w, 2, 1));
  EXPECT_FALSE(winograd::applies(x, w, 1, 0));
  EXPECT_FALSE(winograd::applies({1, 8, 8, 3}, {64, 3, 3, 3}, 1, 1));
  EXPECT_FALSE(winograd::applies({1, 1, 1, 64}, w, 1, 1)) << "one pixel has no use for a tile of sixteen";
  winograd::enable(false);
  EXPECT_FALSE(winograd::applies(x, w, 1, 1));
  winograd::enable(true);
}

INSTANTIATE_TEST_SUITE_P(, Simd, testing::ValuesIn(simd::all_kernels().begin(), simd::all_kernels().end()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace minissl
