#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include "tensor/dry_run.h"

namespace minissl {
namespace {

// Steps check thousands of arguments.
TEST(Error, WhatIsInAMessageIsPutIntoWordsOnlyWhenThereIsOne) {
  struct Described {
    int& calls;
    std::string str() const {
      ++calls;
      return "f32[2]";
    }
  };
  int calls = 0;
  require(true, "{} is not right", Described{calls});
  EXPECT_EQ(calls, 0);
  try {
    require(false, "{} is not right", Described{calls});
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "f32[2] is not right");
  }
  EXPECT_EQ(calls, 1);
}

TEST(Tensor, ViewsShareTheBytes) {
  const Tensor t = Tensor::from<float>({2, 3}, std::vector<float>{0, 1, 2, 3, 4, 5});
  const Tensor row = t.rows(1, 2);
  EXPECT_EQ(row.shape(), (Shape{1, 3}));
  row.mutable_data<float>()[0] = 7;
  EXPECT_EQ(t.at(3), 7);
  EXPECT_EQ(t.view({3, 2}).at(3), 7);
  EXPECT_EQ(t.clone().at(3), 7);
  EXPECT_NE(t.clone().storage(), t.storage());
}

TEST(Tensor, WritingBumpsTheVersionReadingDoesNot) {
  const Tensor t = Tensor::zeros({4});
  const uint64_t version = t.storage()->version();
  t.data<float>();
  EXPECT_EQ(t.storage()->version(), version);
  t.rows(0, 2).mutable_data<float>();
  EXPECT_EQ(t.storage()->version(), version + 1);
}

TEST(Tensor, ConvertsTypes) {
  const Tensor t = Tensor::from<double>({3}, std::vector<double>{1.0, 1.00390625, -3.0e38});
  EXPECT_EQ(t.to(DType::f32).at(1), 1.00390625);
  const Tensor b = t.to(DType::bf16);
  EXPECT_EQ(b.at(0), 1.0);
  EXPECT_EQ(b.at(1), 1.0);  // half way between 1 and the next bf16, 1.0078125: to even
  EXPECT_EQ(bfloat16(1.01171875f).bits, bfloat16(1.015625f).bits);
  EXPECT_TRUE(std::isnan(static_cast<float>(bfloat16(std::nanf("")))));
}

TEST(Tensor, ErrorsNameShapesAndTypes) {
  const Tensor t = Tensor::zeros({2, 3});
  EXPECT_THROW(t.view({4}), Error);
  EXPECT_THROW(t.rows(1, 3), Error);
  EXPECT_THROW(t.data<double>(), Error);
  EXPECT_THROW(t.item(), Error);
  EXPECT_THROW(Tensor().data<float>(), Error);
  try {
    t.copy_from(Tensor::zeros({3, 2}));
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "can't copy f32[3, 2] into f32[2, 3]");
  }
}

TEST(Tensor, SizesBeyond63BitsAreErrors) {
  constexpr int64_t huge = int64_t{1} << 40;
  const auto message = [](auto&& f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  };
  EXPECT_EQ(message([] {
              Shape{huge, huge}.numel();
            }),
            "a tensor of shape [1099511627776, 1099511627776] is too large");
  EXPECT_EQ(message([] {
              Shape({huge, huge, 2}).leading(1);
            }),
            "a tensor of shape [1099511627776, 1099511627776, 2] is too large");
  EXPECT_EQ(message([] { Tensor::empty({INT64_MAX}, DType::f32); }),
            "a tensor of shape [9223372036854775807] is too large");
  EXPECT_THROW(Tensor::zeros({3}).slice(INT64_MAX, {2}), Error);
  const DryRun dry_run;
  EXPECT_NE(message([] { Tensor::empty({huge, huge / 4}, DType::u8); }), "none");
  EXPECT_THROW(Tensor::empty({huge, 32}, DType::u8), OutOfMemory);
  EXPECT_EQ(Tensor::empty({huge, 8}, DType::u8).numel(), 8 * huge);
}

}  // namespace
}  // namespace minissl
