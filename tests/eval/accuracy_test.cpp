#include "eval/accuracy.h"

#include <cmath>
#include <gtest/gtest.h>

namespace minissl {
namespace {

TEST(RocAuc, IsTheShareOfPairsInTheRightOrder) {
  EXPECT_DOUBLE_EQ(roc_auc({0.1, 0.4, 0.35, 0.8}, {false, false, true, true}), 0.75);  // scikit-learn's own example
  EXPECT_DOUBLE_EQ(roc_auc({3, 2, 1}, {true, false, false}), 1);
  EXPECT_DOUBLE_EQ(roc_auc({1, 2, 3}, {true, false, false}), 0);
}

TEST(RocAuc, EqualScoresCountAHalf) {
  EXPECT_DOUBLE_EQ(roc_auc({1, 1, 1, 1}, {true, false, false, true}), 0.5);
  EXPECT_DOUBLE_EQ(roc_auc({1, 1, 0}, {true, false, false}), 0.75);
}

TEST(RocAuc, NeedsBothKinds) {
  EXPECT_TRUE(std::isnan(roc_auc({1, 2}, {true, true})));
  EXPECT_TRUE(std::isnan(roc_auc({1, 2}, {false, false})));
}

// NaN is not equal to itself, which a search for the end of equal scores may wait for.
TEST(RocAuc, AScoreThatIsNaNIsAnError) {
  const double nan = std::nan("");
  EXPECT_THROW(roc_auc({0.1, nan, 0.3}, {true, false, true}), Error);
  EXPECT_THROW(roc_auc({nan, nan}, {true, false}), Error);
  EXPECT_THROW(accuracy_of(Tensor::from<double>({2, 2}, {nan, 1, 0, 1}), {0, 1}), Error);
  EXPECT_DOUBLE_EQ(roc_auc({-HUGE_VAL, HUGE_VAL, HUGE_VAL}, {false, true, true}), 1);
}

TEST(FirstRowNotFinite, NamesTheRow) {
  EXPECT_EQ(first_row_not_finite(Tensor::from<float>({3, 2}, {1, 2, 3, 4, 5, 6})), -1);
  EXPECT_EQ(first_row_not_finite(Tensor::from<float>({3, 2}, {1, 2, 3, NAN, HUGE_VALF, 6})), 1);
  EXPECT_EQ(first_row_not_finite(Tensor::from<double>({2, 1}, {1, -HUGE_VAL})), 1);
}

TEST(AccuracyOf, CountsByClass) {
  const Tensor scores = Tensor::from<double>({4, 3}, {2, 1, 0,    // 0, found
                                                      0, 1, 2,    // 0, taken for 2
                                                      1, 1, 0,    // 1, taken for 0, the first of equal ones
                                                      0, 3, 1});  // 1, found
  const Accuracy a = accuracy_of(scores, {0, 0, 1, 1});
  EXPECT_DOUBLE_EQ(a.top1, 0.5);
  EXPECT_DOUBLE_EQ(a.per_class[0], 0.5);
  EXPECT_DOUBLE_EQ(a.per_class[1], 0.5);
  EXPECT_TRUE(std::isnan(a.per_class[2]));
  EXPECT_DOUBLE_EQ(a.auc[0], 0.625);  // (2, 0) against (1, 0): 1, 1, 0 and a half
  EXPECT_DOUBLE_EQ(a.auc[1], 0.75);   // (1, 3) against (1, 1): a half, a half, 1, 1
  EXPECT_TRUE(std::isnan(a.auc[2]));
}

}  // namespace
}  // namespace minissl
