#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

#include "tensor/convolution/implicit_gemm.h"
#include "tensor/convolution/winograd.h"
#include "tensor/ops/convolution.h"
#include "tensor/ops/matmul.h"
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

// A matrix as products of split numbers take it: either way round, and with elements between its lines.
struct Matrix {
  int64_t lines, depth;
  bool contiguous_lines;
  std::vector<float> values;

  Matrix(int64_t lines, int64_t depth, bool contiguous_lines, uint32_t number)
      : lines(lines),
        depth(depth),
        contiguous_lines(contiguous_lines),
        values(draw(std::max(lines, depth) * (std::max(lines, depth) + 5), number)) {}
  int64_t stride() const { return contiguous_lines ? depth + 5 : lines + 5; }
  int64_t line_stride() const { return contiguous_lines ? stride() : 1; }
  int64_t depth_stride() const { return contiguous_lines ? 1 : stride(); }
  float& at(int64_t line, int64_t d) { return values[static_cast<size_t>(line * line_stride() + d * depth_stride())]; }
  std::vector<float> packed(simd::SplitProducts::Pack pack) const {
    using simd::SplitProducts;
    const int64_t groups = (lines + SplitProducts::group - 1) / SplitProducts::group;
    // What packing leaves out must not matter.
    std::vector<float> to(static_cast<size_t>(groups * SplitProducts::group * SplitProducts::floats_of_line(depth)),
                          std::numeric_limits<float>::quiet_NaN());
    pack(lines, depth, values.data(), line_stride(), depth_stride(), to.data());
    return to;
  }
};

constexpr int64_t split_width = simd::SplitProducts::width;

std::vector<float> multiply(const simd::SplitProducts& split, const Matrix& a, const Matrix& b,
                            const std::vector<float>& addend) {
  std::vector<float> c(static_cast<size_t>(a.lines * b.lines), 7.0f);
  split.multiply(a.lines, b.lines, a.depth, a.packed(split.pack_a).data(), b.packed(split.pack_b).data(),
                 simd::SplitProducts::group * simd::SplitProducts::floats_of_line(a.depth), c.data(), b.lines,
                 {addend.empty() ? nullptr : addend.data(), b.lines});
  return c;
}

TEST_P(Simd, MultipliesSplitNumbersAsExactlyAsFloats) {
  const simd::SplitProducts* split = GetParam()->split;
  if (split == nullptr) GTEST_SKIP() << GetParam()->name << " multiplies no split numbers";
  for (const int64_t rows : {1, 16, 17, 33, 70})
    for (const int64_t columns : {split_width, 2 * split_width, 5 * split_width})
      for (const int64_t depth : {1, 31, 32, 49, 200})
        for (const int way : {0, 1, 2, 3}) {
          Matrix a(rows, depth, way & 1, 1), b(columns, depth, way & 2, 2);
          const std::vector<float> addend = way == 0 ? draw(rows * columns, 3) : std::vector<float>();
          const std::vector<float> c = multiply(*split, a, b, addend);
          for (int64_t r = 0; r < rows; ++r)
            for (int64_t i = 0; i < columns; ++i) {
              const auto at = static_cast<size_t>(r * columns + i);
              double sum = addend.empty() ? 0 : addend[at], largest = std::abs(sum);
              for (int64_t d = 0; d < depth; ++d) {
                const double product = static_cast<double>(a.at(r, d)) * b.at(i, d);
                sum += product;
                largest += std::abs(product);
              }
              // Six products of parts for each tile's depth, each rounded once to the sum before it.
              ASSERT_NEAR(c[at], sum, 0x1p-21 * largest)
                  << rows << " x " << columns << ", depth " << depth << ", way " << way << ": " << r << ", " << i;
            }
        }
}

TEST_P(Simd, SplitNumbersKeepNaNAndOrdersOfMagnitude) {
  const simd::SplitProducts* split = GetParam()->split;
  if (split == nullptr) GTEST_SKIP() << GetParam()->name << " multiplies no split numbers";
  Matrix a(16, 32, true, 1), b(16, 32, false, 2);
  for (int64_t i = 0; i < 16; ++i)
    for (int64_t d = 0; d < 32; ++d) a.at(i, d) = 0, b.at(i, d) = static_cast<float>(d == i);
  const float all_bits = std::bit_cast<float>(0xffffffffu), infinity = std::numeric_limits<float>::infinity();
  const float values[] = {all_bits, -all_bits,        infinity, -infinity,  // NaN
                          1e-45f,   -1e-40f,                                // too small
                          3e38f,    -1.17549435e-38f, 16777215, -0.1f};     // as they are
  int64_t row = 0;
  for (const float value : values) a.at(row, row) = value, ++row;
  const std::vector<float> c = multiply(*split, a, b, {});
  for (row = 0; row < 4; ++row) EXPECT_TRUE(std::isnan(c[static_cast<size_t>(row * 17)])) << row;
  for (; row < 6; ++row) EXPECT_NEAR(c[static_cast<size_t>(row * 17)], 0, 1e-39) << row;
  for (; row < 10; ++row) EXPECT_EQ(c[static_cast<size_t>(row * 17)], values[row]);
}

// A machine without AMX tests its packing and its blocks on the emulation.
TEST(SplitProducts, AmxHasTheBitsOfItsEmulation) {
  const auto named = [](std::string_view name) -> const simd::SplitProducts* {
    for (const simd::Kernels* kernels : simd::all_kernels())
      if (kernels->name == name) return kernels->split;
    return nullptr;
  };
  const simd::SplitProducts *amx = named("amx"), *emulated = named("emulated_tiles");
  ASSERT_NE(emulated, nullptr);
  if (amx == nullptr) GTEST_SKIP() << "this machine has no AMX";
  for (const int way : {0, 1, 2, 3}) {
    const Matrix a(70, 200, way & 1, 1), b(5 * split_width, 200, way & 2, 2);
    const std::vector<float> by_amx = a.packed(amx->pack_a), by_emulation = a.packed(emulated->pack_a);
    EXPECT_EQ(std::memcmp(by_amx.data(), by_emulation.data(), by_amx.size() * sizeof(float)), 0) << way;
    EXPECT_EQ(multiply(*amx, a, b, draw(70 * 80, 3)), multiply(*emulated, a, b, draw(70 * 80, 3))) << way;
  }
}

// What MatrixProduct does by shape: few rows, one task, all of b packed before, sums in pieces, remainders everywhere.
TEST_P(Simd, MultipliesMatricesOfEveryShape) {
  struct {
    int64_t m, n, k;
  } const cases[] = {{7, 64, 400},    {64, 128, 128}, {65, 130, 129}, {130, 300, 300},
                     {480, 130, 130}, {700, 48, 30},  {70, 150, 2100}};
  for (const auto& [m, n, k] : cases)
    for (const int way : {0, 1, 2, 3}) {
      SCOPED_TRACE(fmt::format("{} x {}, {} terms, way {}", m, n, k, way));
      const ops::Transposed transposed{(way & 1) != 0, (way & 2) != 0};
      const Shape a_shape = transposed.a ? Shape{k, m} : Shape{m, k},
                  b_shape = transposed.b ? Shape{n, k} : Shape{k, n};
      const Tensor a = Tensor::from(a_shape, draw(m * k, 1)), b = Tensor::from(b_shape, draw(n * k, 2));
      const Tensor c = ops::matmul(a, b, transposed);
      const Tensor exact = ops::matmul(a.to(DType::f64), b.to(DType::f64), transposed);
      for (int64_t i = 0; i < m * n; ++i) ASSERT_NEAR(c.at(i), exact.at(i), 5e-6 * std::sqrt(k)) << i;
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
