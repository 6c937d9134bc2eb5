#include "autograd/graph.h"

#include <gtest/gtest.h>

#include "autograd/functions.h"
#include "tests/autograd/leaf.h"

namespace minissl {
namespace {

TEST(Graph, ListsNodesInTheOrderTheyWereMade) {
  const Variable x = Variable::leaf(Tensor::zeros({4, 3})), w = Variable::leaf(Tensor::zeros({5, 3}));
  const Variable unrelated = Variable::leaf(Tensor::zeros({7}));
  const Variable y = matmul(x, w, {.a = false, .b = true});
  const Variable z = sum(relu(y) + y);
  std::vector<std::string> names;
  std::vector<Shape> shapes;
  std::vector<int64_t> saved;
  uint64_t previous = 0;
  for (const auto& [node, kept] : kept_by_node(z)) {
    names.push_back(node->operation);
    shapes.push_back(node->shape);
    saved.push_back(kept);
    EXPECT_GT(node->sequence, previous);
    previous = node->sequence;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"leaf", "leaf", "matmul", "relu", "add", "sum"}));
  EXPECT_EQ(shapes, (std::vector<Shape>{{4, 3}, {5, 3}, {4, 5}, {4, 5}, {4, 5}, {1}}));
  EXPECT_EQ(saved, (std::vector<int64_t>{0, 0, (12 + 15) * 4, 20 * 4, 0, 0}));
  EXPECT_EQ(graph_of(unrelated).size(), 1u);
}

TEST(Graph, OfAConstantIsEmpty) {
  EXPECT_TRUE(graph_of(Variable(Tensor::zeros({2}))).empty());
  EXPECT_TRUE(graph_of(detach(leaf({1}))).empty());
}

TEST(Graph, AfterBackwardOnlyTheRootIsLeft) {
  const Variable x = leaf({1, 2}), root = sum(square(x));
  EXPECT_EQ(graph_of(root).size(), 3u);
  backward(root);
  EXPECT_EQ(graph_of(root).size(), 1u);
  EXPECT_TRUE(graph_of(root)[0]->used);
}

TEST(Graph, SavedActivationsAreTaggedSavedButParametersKeepTheirTag) {
  Tensor weights;
  {
    const TagScope tag(MemoryTag::parameter);
    weights = Tensor::zeros({5, 3});
  }
  const Variable x = relu(Variable::leaf(Tensor::zeros({4, 3}))), w = Variable::leaf(weights);
  const Variable y = matmul(x, w, {.a = false, .b = true});
  EXPECT_EQ(x.value().storage()->tag(), MemoryTag::saved);
  EXPECT_EQ(weights.storage()->tag(), MemoryTag::parameter);
}

// Recurrences and unrolled loops make graphs as deep as they are long; neither backward() nor the destructor may use a
// stack frame per node.
TEST(Graph, MayBeDeep) {
  constexpr int depth = 200000;
  const Variable x = leaf({1});
  {
    Variable y = x;
    for (int i = 0; i < depth; ++i) y = y + x;
    EXPECT_EQ(graph_of(y).size(), depth + 1u);
    backward(y);
    EXPECT_EQ(x.grad().item(), depth + 1);
  }
  {
    Variable y = x;
    for (int i = 0; i < depth; ++i) y = y + x;
  }
}

TEST(Graph, PartsHeldElsewhereSurviveIt) {
  const Variable x = leaf({3});
  Variable middle;
  {
    Variable y = square(x);
    middle = y;
    for (int i = 0; i < 1000; ++i) y = y + 1.0;
  }
  backward(middle);
  EXPECT_EQ(x.grad().item(), 6);
}

}  // namespace
}  // namespace minissl
