#include "tensor/random.h"

#include <gtest/gtest.h>

namespace minissl {
namespace {

// Known answers of the Random123 library's kat_vectors for philox4x32-10.
TEST(Random, PhiloxKnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, MomentsOfUniformAndNormal) {
  const Random random(7, RandomSite::test);
  double uniform = 0, normal = 0, square = 0;
  constexpr int n = 100000;
  for (uint32_t i = 0; i < n; ++i) {
    uniform += random.uniform(i);
    const auto z = random.normal2(i);
    normal += z[0] + z[1];
    square += z[0] * z[0] + z[1] * z[1];
  }
  EXPECT_NEAR(uniform / n, 0.5, 0.005);
  EXPECT_NEAR(normal / (2 * n), 0, 0.01);
  EXPECT_NEAR(square / (2 * n), 1, 0.02);
}

TEST(Random, EveryCoordinateMatters) {
  const auto first = Random(1, RandomSite::crop, 2, 3, 1).bits(0);
  EXPECT_EQ(first, Random(1, RandomSite::crop, 2, 3, 1).bits(0));
  EXPECT_NE(first, Random(2, RandomSite::crop, 2, 3, 1).bits(0));
  EXPECT_NE(first, Random(1, RandomSite::flip, 2, 3, 1).bits(0));
  EXPECT_NE(first, Random(1, RandomSite::crop, 3, 3, 1).bits(0));
  EXPECT_NE(first, Random(1, RandomSite::crop, 2, 4, 1).bits(0));
  EXPECT_NE(first, Random(1, RandomSite::crop, 2, 3, 2).bits(0));
  EXPECT_NE(first, Random(1, RandomSite::crop, 2, 3, 1).bits(1));
}

}  // namespace
}  // namespace minissl
