#include "tensor/profile.h"

#include "tensor/ops/elementwise.h"
#include "tensor/ops/matmul.h"
#include "tests/cuda/gpu.h"

/// The GPU measures its own operations.
namespace minissl {
namespace {

class ProfileOnGpu : public testing::Test {
 protected:
  void SetUp() override { MINISSL_NEEDS_GPU(); }
};

TEST_F(ProfileOnGpu, MeasuresTheDevicesTime) {
  const Tensor a = Tensor::zeros({64, 32}, DType::f32, gpu), b = Tensor::zeros({32, 128}, DType::f32, gpu);
  ops::matmul(a, b);  // does the one-time setup
  Profile profile;
  ops::matmul(a, b);
  ops::unary(a.to(Device{}), ops::Square{});
  ops::unary(a, ops::Square{});
  const std::vector<Profile::Event> events = profile.events();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_STREQ(events[0].operation, "matmul");
  EXPECT_EQ(events[0].flops, 2.0 * 64 * 128 * 32);
  EXPECT_EQ(events[0].bytes, 4 * (64 * 32 + 32 * 128 + 64 * 128));
  for (const Profile::Event& e : events) EXPECT_GT(e.seconds, 0) << e.operation;
  for (const Profile::Event& e : events) EXPECT_LT(e.start + e.seconds, profile.seconds()) << e.operation;
  EXPECT_LE(events[0].start + events[0].seconds, events[2].start);
}

TEST_F(ProfileOnGpu, ContinuesAfterItWasReadOrCleared) {
  const Tensor a = Tensor::zeros({64, 32}, DType::f32, gpu);
  Profile profile;
  ops::unary(a, ops::Square{});
  const Profile::Event first = profile.events().front();
  ops::unary(a, ops::Square{});
  ASSERT_EQ(profile.events().size(), 2U);
  EXPECT_EQ(profile.events()[0].start, first.start);
  EXPECT_GE(profile.events()[1].start, first.start + first.seconds);
  profile.clear();
  EXPECT_TRUE(profile.events().empty());
  ops::unary(a, ops::Square{});
  ASSERT_EQ(profile.events().size(), 1U);
  EXPECT_GT(profile.events()[0].seconds, 0);
}

TEST_F(ProfileOnGpu, DoesNotCountFailedOperations) {
  Profile profile;
  const Tensor there = Tensor::zeros({2, 3}, DType::i64, gpu);
  EXPECT_THROW(run(ops::Unary<ops::Square>{there, Tensor::empty_like(there), {}}), Error);
  EXPECT_TRUE(profile.events().empty());
}

}  // namespace
}  // namespace minissl
