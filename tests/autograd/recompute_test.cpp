#include "autograd/recompute.h"

#include <gtest/gtest.h>

#include "autograd/functions.h"
#include "autograd/graph.h"
#include "tensor/random.h"

namespace minissl {
namespace {

Tensor random_tensor(const Shape& shape, uint32_t number) {
  const Tensor t = Tensor::empty(shape);
  const Random random(number, RandomSite::test);
  for (int64_t i = 0; i < t.numel(); ++i) t.mutable_data<float>()[i] = random.normal(static_cast<uint32_t>(i));
  return t;
}

// Two basic blocks of a residual network.
class RecomputePlans : public testing::Test {
 protected:
  Variable block(const Variable& x, size_t i, bool ends_stage) {
    PartScope part("block", ends_stage);
    Variable h = batch_norm(convolution(x, w_[2 * i], {1, 1}), scale_[2 * i], shift_[2 * i], {.relu = true}).y;
    return part.output(batch_norm(convolution(h, w_[2 * i + 1], {1, 1}), scale_[2 * i + 1], shift_[2 * i + 1],
                                  {.residual = x, .relu = true})
                           .y);
  }
  Variable network(const Variable& images) {
    Variable x = convolution(images, first_, {1, 1});
    for (size_t i = 0; i < 3; ++i) x = block(x, i, i == 2);
    return sum(square(global_average_pool(x)));
  }

  // The gradients of all leaves, and the bytes kept between forward and backward.
  std::vector<std::vector<double>> gradients(const RecomputePlan& plan, int64_t* kept = nullptr) {
    for (Variable* v : leaves()) v->set_grad({});
    const int64_t before = allocator().usage().live;
    const Variable loss = [&] {
      const PlanScope scope(plan);
      return network(images_);
    }();
    if (kept != nullptr) *kept = allocator().usage().live - before;
    backward(loss);
    std::vector<std::vector<double>> all;
    for (Variable* v : leaves()) all.push_back(v->grad().to_vector());
    return all;
  }
  std::vector<Variable*> leaves() {
    std::vector<Variable*> all{&first_};
    for (auto* list : {&w_, &scale_, &shift_})
      for (Variable& v : *list) all.push_back(&v);
    return all;
  }

  const Tensor images_ = random_tensor({4, 10, 10, 3}, 1);
  Variable first_ = Variable::leaf(random_tensor({16, 3, 3, 3}, 2));
  std::vector<Variable> w_, scale_, shift_;

  RecomputePlans() {
    for (uint32_t i = 0; i < 6; ++i) {
      w_.push_back(Variable::leaf(random_tensor({16, 3, 3, 16}, 3 + i)));
      scale_.push_back(Variable::leaf(random_tensor({16}, 10 + i)));
      shift_.push_back(Variable::leaf(random_tensor({16}, 20 + i)));
    }
  }
};

using Policy = RecomputePlan::Policy;

TEST_F(RecomputePlans, GradientsAreTheSameBitsUnderEveryPlan) {
  const auto expected = gradients({});
  EXPECT_EQ(gradients(RecomputePlan(Policy::block)), expected);
  EXPECT_EQ(gradients(RecomputePlan(Policy::stage)), expected);
  for (uint32_t bits = 0; bits < 64; ++bits) {
    std::vector<Keep> chain;
    for (uint32_t i = 0; i < 3; ++i)
      chain.push_back({.products = bits >> i & 3U, .output = (bits >> (3 + i) & 1U) != 0});
    EXPECT_EQ(gradients(RecomputePlan(chain)), expected) << bits;
  }
}

TEST_F(RecomputePlans, WhatIsNotKeptIsNotInMemory) {
  constexpr int64_t image = 4 * 10 * 10 * 16 * 4, small = 8 << 10;  // statistics, masks, the loss
  int64_t none = 0, block = 0, stage = 0;
  gradients({}, &none);
  gradients(RecomputePlan(Policy::block), &block);
  gradients(RecomputePlan(Policy::stage), &stage);
  // Three blocks, each with its input and both convolutions, but no inner batch normalisation's output; not the last
  // output, which is never read.
  EXPECT_GE(none, 9 * image);
  EXPECT_LE(none, 9 * image + small);
  EXPECT_GE(block, 3 * image);
  EXPECT_LE(block, 3 * image + small);
  EXPECT_GE(stage, image);
  EXPECT_LE(stage, image + small);
}

TEST_F(RecomputePlans, PartsAreCountedWhereTheyAreRecorded) {
  const RecomputePlan plan;
  const PlanScope scope(plan);
  no_grad([&] { return network(images_); });
  EXPECT_TRUE(scope.parts().empty());
  network(images_);
  network(images_);
  ASSERT_EQ(scope.parts().size(), 6U);
  const PartRecord& part = scope.parts()[5];
  EXPECT_EQ(part.name, "block");
  EXPECT_TRUE(part.ends_stage);
  EXPECT_EQ(part.output.shape, (Shape{4, 10, 10, 16}));
  EXPECT_EQ(part.output.sources, 2U) << "it is computed from the second product";
  ASSERT_EQ(part.products.size(), 2U);
  EXPECT_STREQ(part.products[0].operation, "convolution");
  EXPECT_EQ(part.products[0].sources, 0U) << "computed from the part's input";
  EXPECT_EQ(part.products[1].sources, 1U);
  EXPECT_EQ(part.products[1].bytes(), 4 * 10 * 10 * 16 * 4);
}

TEST_F(RecomputePlans, APlanForFewerPartsIsAnError) {
  const RecomputePlan plan(std::vector<Keep>(2));
  const PlanScope scope(plan);
  EXPECT_THROW(network(images_), Error);
}

TEST_F(RecomputePlans, WeightsChangedBeforeBackwardAreNoticedWhereSomethingIsRecomputed) {
  const RecomputePlan plan(Policy::block);
  const PlanScope scope(plan);
  const Variable loss = network(images_);
  w_[0].value().fill(1);
  EXPECT_THROW(backward(loss), Error);
}

// A part made of matrix products with an addition at its end, because plans are not specific to convolutions.
TEST(RecomputeProducts, OfAnyOperationAreRecomputedInTheSameBits) {
  Variable w1 = Variable::leaf(random_tensor({8, 8}, 1)), w2 = Variable::leaf(random_tensor({8, 8}, 2));
  const Tensor x = random_tensor({4, 8}, 3);
  const auto part = [&](const Variable& in) {
    PartScope scope("mlp", false);
    return scope.output(in + matmul(relu(matmul(in, w1)), w2));
  };
  const auto gradients = [&](const RecomputePlan& plan, std::vector<PartRecord>* parts = nullptr) {
    for (Variable* w : {&w1, &w2}) w->set_grad({});
    const Variable loss = [&] {
      const PlanScope scope(plan);
      const Variable loss = sum(square(part(part(matmul(Variable(x), w1)))));
      if (parts != nullptr) *parts = scope.parts();
      return loss;
    }();
    backward(loss);
    return std::pair(w1.grad().to_vector(), w2.grad().to_vector());
  };
  std::vector<PartRecord> parts;
  const auto expected = gradients({}, &parts);
  ASSERT_EQ(parts.size(), 2U);
  ASSERT_EQ(parts[0].products.size(), 2U);
  EXPECT_STREQ(parts[0].products[1].operation, "matmul");
  EXPECT_EQ(parts[0].products[1].sources, 1U) << "through the ReLU";
  EXPECT_EQ(parts[0].products[1].flops, 2 * 4 * 8 * 8);
  EXPECT_STREQ(parts[0].output.operation, "add");
  EXPECT_EQ(parts[0].output.sources, 2U);
  for (uint32_t bits = 0; bits < 64; ++bits) {
    const std::vector<Keep> chain{{.products = bits & 3U, .output = (bits >> 4 & 1U) != 0},
                                  {.products = bits >> 2 & 3U, .output = (bits >> 5 & 1U) != 0}};
    EXPECT_EQ(gradients(RecomputePlan(chain)), expected) << bits;
  }
}

Variable doubled(const Variable& x, Recipe recipe) {
  Variable y = record("double", {x}, (x + x).value(), {},
                      [](const Tensor& dy, const BackwardContext&) { return std::vector<Tensor>{dy}; });
  y.recompute_by(Recompute::once, {x}, std::move(recipe));
  return y;
}

std::string error_of(const Variable& root) {
  try {
    backward(root);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Recomputed, AnotherShapeOrTypeIsAnError) {
  const Variable x = Variable::leaf(random_tensor({6}, 1));
  const auto reshaped = [](const std::vector<Tensor>& in) { return (in[0] + in[0]).value().view({2, 3}); };
  EXPECT_NE(error_of(sum(square(doubled(x, reshaped)))).find("square: what it reads was f32[6] and is f32[2, 3]"),
            std::string::npos);
  const auto wider = [](const std::vector<Tensor>& in) { return (in[0] + in[0]).value().to(DType::f64); };
  EXPECT_NE(error_of(sum(square(doubled(x, wider)))).find("is f64[6]"), std::string::npos);
}

TEST(Recomputed, OtherBitsAreAnErrorInDebugBuilds) {
  const Variable x = Variable::leaf(random_tensor({6}, 1));
  const auto wrong = [](const std::vector<Tensor>& in) { return (in[0] + 1e-6).value(); };
#ifdef NDEBUG
  EXPECT_EQ(error_of(sum(square(doubled(x, wrong)))), "");
#else
  EXPECT_NE(error_of(sum(square(doubled(x, wrong)))).find("has other bits"), std::string::npos);
#endif
}

TEST(Recomputed, OnceMeansOnceAndUntilTheLastUse) {
  const Variable x = Variable::leaf(random_tensor({1000}, 1));
  int made = 0;
  const int64_t before = allocator().usage().live;
  {
    const Variable y = doubled(x, [&](const std::vector<Tensor>& in) {
      ++made;
      return (in[0] + in[0]).value();
    });
    backward(sum(square(y)) + sum(y * y));
    EXPECT_EQ(made, 1);
  }
  EXPECT_EQ(allocator().usage().live - before, x.grad().bytes() + 32) << "nothing of it is left but the gradient";
}

TEST(Recomputed, IsTaggedRecomputed) {
  allocator().reset_peak();
  const Variable x = Variable::leaf(random_tensor({1024}, 1));
  backward(sum(square(doubled(x, [](const std::vector<Tensor>& in) { return (in[0] + in[0]).value(); }))));
  EXPECT_EQ(allocator().usage().peak_by_tag[static_cast<size_t>(MemoryTag::recomputed)], 4096);
}

}  // namespace
}  // namespace minissl
