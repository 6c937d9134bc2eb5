#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>

#include "tensor/convolution/winograd.h"
#include "tensor/cuda/convolution_problem.h"
#include "tensor/cuda/cublas.h"
#include "tensor/cuda/matmul_problem.h"
#include "tensor/cuda/plan_choices.h"
#include "tensor/tf32.h"

/// The problems given to the libraries, without calling them.
namespace minissl::cuda {
namespace {

TEST(CublasLt, IsLoadedWithoutAGpu) {
  EXPECT_NE(std::string(cublas_lt().status_string(CUBLAS_STATUS_NOT_SUPPORTED)), "");
}

// The offset of element (n, c, h, w), for strides in cuDNN's order.
int64_t place(const Extents& strides, int64_t n, int64_t c, int64_t h, int64_t w) {
  return n * strides[0] + c * strides[1] + h * strides[2] + w * strides[3];
}

TEST(ConvolutionProblem, DescribesChannelsLastInChannelsFirstOrder) {
  for (const Shape& shape : {Shape{2, 5, 4, 3}, Shape{1, 1, 7, 1}, Shape{3, 2, 1, 8}}) {
    const Extents extents = channels_first(shape), strides = channels_last_strides(extents);
    EXPECT_EQ(extents, (Extents{shape[0], shape[3], shape[1], shape[2]}));
    int64_t next = 0;
    for (int64_t n = 0; n < shape[0]; ++n)
      for (int64_t h = 0; h < shape[1]; ++h)
        for (int64_t w = 0; w < shape[2]; ++w)
          for (int64_t c = 0; c < shape[3]; ++c) EXPECT_EQ(place(strides, n, c, h, w), next++);
  }
}

TEST(ConvolutionProblem, IsTheSameForTheSameShapesTypesAndAlignment) {
  const auto problem = [](const Tensor& x, const Tensor& w) {
    return problem_of(ops::Convolution{x, w, Tensor::zeros({2, 3, 2, 4}, x.dtype()), {2, 1}});
  };
  const Tensor x = Tensor::zeros({2, 5, 4, 3}), w = Tensor::zeros({4, 3, 3, 3});
  const ConvolutionProblem p = problem(x, w);
  EXPECT_EQ(p, problem(Tensor::zeros(x.shape()), w));
  EXPECT_EQ(p.alignment, 16);
  EXPECT_EQ(p.str(), "forward f32 x 2,3,5,4 w 4,3,3,3 y 2,4,3,2 stride 2 padding 1 aligned 16 winograd");
  EXPECT_EQ(problem(Tensor::zeros({121}).slice(1, x.shape()), w).alignment, 4);
  EXPECT_EQ(problem(Tensor::zeros({122}).slice(2, x.shape()), w).alignment, 8);
  const ConvolutionProblem bf16 = problem(x.to(DType::bf16), w.to(DType::bf16));
  EXPECT_FALSE(bf16.tf32 || bf16.winograd);
  EXPECT_NE(bf16, p);
  tf32::enable(true);
  winograd::enable(false);
  const ConvolutionProblem fast = problem(x, w);
  tf32::enable(false);
  winograd::enable(true);
  EXPECT_TRUE(fast.tf32 && !fast.winograd);
  EXPECT_THROW(problem(x, w.to(DType::bf16)), Error);
}

TEST(ConvolutionProblem, EachDirectionNamesTheSameThree) {
  const Tensor x = Tensor::zeros({2, 5, 4, 3}), w = Tensor::zeros({4, 3, 3, 3}), y = Tensor::zeros({2, 3, 2, 4});
  const ConvolutionProblem forward = problem_of(ops::Convolution{x, w, y, {2, 1}});
  const ConvolutionProblem input = problem_of(ops::ConvolutionInputGradient{y, w, x, {2, 1}});
  const ConvolutionProblem weight = problem_of(ops::ConvolutionWeightGradient{y, x, w, {2, 1}});
  for (const ConvolutionProblem& p : {input, weight}) {
    EXPECT_EQ(p.x, forward.x);
    EXPECT_EQ(p.w, forward.w);
    EXPECT_EQ(p.y, forward.y);
    EXPECT_NE(p, forward);
  }
  EXPECT_NE(input, weight);
}

// A column-major library's result for a problem.
Tensor column_major_product(const MatmulProblem& p, const Tensor& left, const Tensor& right) {
  const auto at = [](const MatmulProblem::Matrix& m, const Tensor& t, int64_t row, int64_t column) {
    if (m.transposed) std::swap(row, column);
    return t.at(row + column * m.rows);
  };
  const int64_t inner = p.left.transposed ? p.left.rows : p.left.columns;
  EXPECT_EQ(inner, p.right.transposed ? p.right.columns : p.right.rows);
  std::vector<double> out(static_cast<size_t>(p.rows * p.columns));
  for (int64_t r = 0; r < p.rows; ++r)
    for (int64_t c = 0; c < p.columns; ++c)
      for (int64_t k = 0; k < inner; ++k)
        out[static_cast<size_t>(r + c * p.rows)] += at(p.left, left, r, k) * at(p.right, right, k, c);
  return Tensor::from<double>({p.columns, p.rows}, out);
}

TEST(MatmulProblem, IsTheProductToAColumnMajorLibrary) {
  const int64_t m = 2, n = 3, k = 4;
  const auto counted = [](const Shape& shape) {
    std::vector<double> values;
    for (int64_t i = 0; i < shape.numel(); ++i) values.push_back(static_cast<double>(i * i % 7 - 2));
    return Tensor::from(shape, values);
  };
  for (const bool ta : {false, true})
    for (const bool tb : {false, true}) {
      const Tensor a = counted(ta ? Shape{k, m} : Shape{m, k}), b = counted(tb ? Shape{n, k} : Shape{k, n});
      const ops::MatMul op{a, b, Tensor::zeros({m, n}, DType::f64), ta, tb};
      EXPECT_EQ(column_major_product(problem_of(op), b, a).to_vector(), ops::matmul(a, b, {ta, tb}).to_vector())
          << ta << tb;
    }
}

TEST(MatmulProblem, OfABatchHasItsCountAndTheAlignmentOfAllProducts) {
  const auto problem = [](const Shape& a, const Shape& b, const Shape& c, ops::Transposed transposed = {}) {
    return problem_of(ops::MatMul{Tensor::zeros(a), Tensor::zeros(b), Tensor::zeros(c), transposed.a, transposed.b});
  };
  const MatmulProblem one = problem({4, 8}, {8, 12}, {4, 12});
  const MatmulProblem batch = problem({2, 3, 4, 8}, {2, 3, 8, 12}, {2, 3, 4, 12});
  EXPECT_EQ(one.batch, 1);
  EXPECT_EQ(one.str(), "f32 (12, 8) (8, 4) to f32, column-major, aligned 16");
  EXPECT_EQ(batch.batch, 6);
  EXPECT_EQ(batch.str(), one.str() + ", 6 products");
  EXPECT_NE(batch, one);
  EXPECT_EQ(batch.left, one.left);
  EXPECT_EQ(batch.right, one.right);
  const MatmulProblem transposed = problem({6, 8, 4}, {6, 12, 8}, {6, 4, 12}, {true, true});
  EXPECT_TRUE(transposed.left.transposed && transposed.right.transposed);
  EXPECT_EQ(transposed.left.rows, 8);
  EXPECT_EQ(transposed.right.rows, 4);
  // Matrices of nine floats: every second one begins at an odd element.
  EXPECT_EQ(problem({2, 3, 3}, {2, 3, 3}, {2, 3, 3}).alignment, 4);
  EXPECT_EQ(problem({3, 3}, {3, 3}, {3, 3}).alignment, 16);
}

TEST(MatmulProblem, TakesTheTypesThatAreSummedInTheirMasters) {
  const auto problem = [](DType a, DType b, DType c) {
    return problem_of(ops::MatMul{Tensor::zeros({2, 3}, a), Tensor::zeros({3, 4}, b), Tensor::zeros({2, 4}, c)});
  };
  const DType f32 = DType::f32, f64 = DType::f64, bf16 = DType::bf16;
  EXPECT_EQ(problem(bf16, bf16, f32).out, f32);
  EXPECT_EQ(problem(bf16, bf16, bf16).out, bf16);
  EXPECT_EQ(problem(f64, f64, f64).in, f64);
  EXPECT_FALSE(problem(f32, f32, f32).tf32);
  EXPECT_THROW(problem(f32, bf16, f32), Error);
  EXPECT_THROW(problem(f32, f32, bf16), Error);
  EXPECT_THROW(problem(DType::i64, DType::i64, DType::i64), Error);
}

class PlanChoicesTest : public testing::Test {
 protected:
  PlanChoicesTest() { std::filesystem::remove_all(folder_); }
  ~PlanChoicesTest() override { std::filesystem::remove_all(folder_); }
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("minissl_plans_{}", ::getpid());
};

TEST_F(PlanChoicesTest, OutliveTheProcessAndTheFirstOneWins) {
  const PlanChoices choices(folder_ / "cache/plans.txt"), others(folder_ / "cache/plans.txt");
  EXPECT_EQ(choices.find("a x 1,2"), "");
  EXPECT_EQ(choices.add("a x 1,2", "62:2=5"), "62:2=5");
  EXPECT_EQ(others.add("a x 1,2", "7"), "62:2=5") << "another process was faster";
  EXPECT_EQ(others.add("a x 1,22", "7"), "7");
  EXPECT_EQ(choices.find("a x 1,22"), "7");
  EXPECT_EQ(choices.find("a x 1"), "");
}

TEST_F(PlanChoicesTest, SayWhatToDoWhereTheyCannotBeKept) {
  const PlanChoices choices("/proc/minissl/plans.txt");
  try {
    choices.add("a", "1");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("MINISSL_PLANS"), std::string::npos) << e.what();
  }
}

TEST_F(PlanChoicesTest, AreWhereTheEnvironmentSays) {
  const auto with = [](const char* plans, const char* cache) {
    setenv("MINISSL_PLANS", plans, 1);
    setenv("XDG_CACHE_HOME", cache, 1);
    const std::string file = plan_choices_file().string();
    unsetenv("MINISSL_PLANS");
    unsetenv("XDG_CACHE_HOME");
    return file;
  };
  EXPECT_EQ(with("/a/b.txt", "/c"), "/a/b.txt");
  EXPECT_EQ(with("", "/c"), "/c/minissl/convolutions.txt");
  EXPECT_TRUE(with("", "").ends_with(".cache/minissl/convolutions.txt"));
}

}  // namespace
}  // namespace minissl::cuda
