#include <gtest/gtest.h>

#include "autograd/functions.h"
#include "tests/autograd/leaf.h"

namespace minissl {
namespace {

// soft = torch.softmax(x, 1); hard = F.one_hot(soft.argmax(1)); ((hard - soft.detach() + soft) * w).sum().backward():
// the gradient of x is the softmax's for w, whichever element is the largest.
TEST(StraightThrough, HasOneHotRowsAndTheGradientOfWhatTheyStandFor) {
  const Tensor values = Tensor::from<double>({2, 3}, std::vector<double>{0.5, 2, -1, 3, 3, 1});
  const Tensor weights = Tensor::from<double>({2, 3}, std::vector<double>{1, -2, 0.5, 4, 0.25, -1});
  const Variable hard_x = Variable::leaf(values.clone()), soft_x = Variable::leaf(values.clone());
  const Variable hard = straight_through(softmax(hard_x));
  EXPECT_EQ(hard.value().to_vector(), (std::vector<double>{0, 1, 0, 1, 0, 0})) << "the first of two that are equal";
  backward(sum(hard * Variable(weights)));
  backward(sum(softmax(soft_x) * Variable(weights)));
  EXPECT_EQ(hard_x.grad().to_vector(), soft_x.grad().to_vector());
}

}  // namespace
}  // namespace minissl
