#include "data/sources/pack.h"

#include <cstring>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/decode/decode.h"
#include "tests/data/image_files.h"

namespace minissl {
namespace {

class PackTest : public testing::Test {
 protected:
  Image image(int64_t height, int64_t width, int64_t channels, DType type) {
    Image result{Tensor::empty({height, width, channels}, type)};
    for (int64_t i = 0; i < result.pixels.numel(); ++i) {
      if (type == DType::u8)
        result.pixels.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(7 * i + height);
      else
        result.pixels.mutable_data<float>()[i] = 1.0f / static_cast<float>(i + height);
    }
    return result;
  }
  void write(const std::vector<Image>& images) const {
    PackWriter writer(path_, {"normal", "covid 19"});
    for (size_t i = 0; i < images.size(); ++i)
      writer.add(images[i], static_cast<int64_t>(i % 3) - 1, "folder/" + std::to_string(i));
    writer.commit();
  }
  // The error on opening a pack whose bytes are `content`.
  std::string refusal(const std::string& content) const {
    std::ofstream(path_, std::ios::binary) << content;
    try {
      PackFile(path_, 1);
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }

  test::TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "images.pack";
};

TEST_F(PackTest, GivesBackWhatWasPacked) {
  const std::vector<Image> images = {image(3, 5, 1, DType::u8), image(9, 7, 3, DType::u8), image(4, 4, 1, DType::f32),
                                     image(1, 1, 3, DType::f32)};
  write(images);
  const auto pack = open_dataset(path_.string(), 1, 0);
  ASSERT_EQ(pack->size(), 4);
  EXPECT_THAT(pack->class_names(), testing::ElementsAre("normal", "covid 19"));
  for (size_t i = 0; i < images.size(); ++i) {
    const auto n = static_cast<int64_t>(i);
    EXPECT_EQ(pack->label(n), n % 3 - 1);
    EXPECT_EQ(pack->name(n), "folder/" + std::to_string(i));
    const Tensor loaded = pack->load(n).pixels, expected = with_channels(images[i], 1).pixels;
    ASSERT_EQ(loaded.shape(), expected.shape());
    ASSERT_EQ(loaded.dtype(), expected.dtype());
    EXPECT_EQ(std::memcmp(loaded.bytes_begin(), expected.bytes_begin(), static_cast<size_t>(expected.bytes())), 0);
  }
}

TEST_F(PackTest, ACutOffOrDamagedFileIsRefused) {
  write({image(3, 5, 1, DType::u8), image(9, 7, 3, DType::u8)});
  const std::string whole = read_file(path_);
  EXPECT_EQ(refusal(whole), "");
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_THAT(refusal(whole.substr(0, length)), testing::HasSubstr("images.pack: ")) << length;
}

TEST_F(PackTest, AFlippedBitIsFoundWhereverItIs) {
  const std::vector<Image> images = {image(3, 5, 1, DType::u8), image(2, 3, 3, DType::f32)};
  write(images);
  const std::string whole = read_file(path_);
  uint64_t index_begin = 0;
  std::memcpy(&index_begin, whole.data() + whole.size() - 40, sizeof index_begin);
  int bad_images = 0;
  for (size_t at = 0; at < whole.size(); ++at)
    for (const int bit : {0, 6}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      const std::string refused = refusal(damaged);
      if (!is_pack(path_)) {
        EXPECT_LT(at, 16U);
        continue;
      }
      if (at >= index_begin) {
        EXPECT_NE(refused, "") << at;
        continue;
      }
      const PackFile pack(path_, 3);
      for (int64_t i = 0; i < pack.size(); ++i) try {
          const Tensor expected = with_channels(images[static_cast<size_t>(i)], 3).pixels;
          const Tensor loaded = pack.load(i).pixels;
          ASSERT_EQ(std::memcmp(loaded.bytes_begin(), expected.bytes_begin(), static_cast<size_t>(expected.bytes())),
                    0);
        } catch (const ImageError& error) {
          EXPECT_EQ(error.file(), pack.name(i));
          EXPECT_THAT(error.reason(), testing::HasSubstr("images.pack: its checksum differs"));
          ++bad_images;
        }
    }
  EXPECT_EQ(bad_images, 2 * (3 * 5 + 2 * 3 * 3 * 4));
}

// As packs were before they had checksums: one image of 2 x 1 gray pixels.
std::string old_pack() {
  std::string pack = "minissl pack 1\n\n";
  pack.resize(64, '\0');
  pack += "\x07\x08";
  const size_t index_begin = pack.size();
  const auto number = [&pack](auto value) { pack.append(reinterpret_cast<const char*>(&value), sizeof value); };
  number(uint32_t{0}), number(uint64_t{64}), number(uint32_t{1}), number(uint32_t{2});
  number(uint8_t{1}), number(uint8_t{0}), number(int32_t{-1}), number(uint32_t{1});
  pack += "a";
  const size_t index_bytes = pack.size() - index_begin;
  number(uint64_t{index_begin}), number(uint64_t{index_bytes}), number(uint64_t{1});
  return pack + "minissl\n";
}

TEST_F(PackTest, PacksWithoutChecksumsLoadAsBefore) {
  ASSERT_EQ(refusal(old_pack()), "");
  const auto pack = open_dataset(path_.string(), 1, 0);
  EXPECT_THAT(pack->load(0).pixels.to_vector(), testing::ElementsAre(7, 8));
  EXPECT_EQ(pack->name(0), "a");
}

TEST_F(PackTest, WhateverIsWrongInAPackWithoutChecksumsReadsStayWithinIt) {
  const std::string whole = old_pack();
  for (size_t at = 66; at < whole.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      if (!refusal(damaged).empty()) continue;
      const PackFile pack(path_, 1);
      for (int64_t i = 0; i < pack.size(); ++i) EXPECT_GT(pack.load(i).pixels.numel(), 0);
    }
}

TEST_F(PackTest, ImagesOfAPackThatIsCutOffWhileOpenAreBadFiles) {
  write({image(3, 5, 1, DType::u8), image(900, 700, 3, DType::u8)});
  const PackFile pack(path_, 3);
  std::filesystem::resize_file(path_, 4096);
  EXPECT_EQ(pack.load(0).pixels.numel(), 3 * 5 * 3);
  try {
    pack.load(1);
    FAIL() << "no error";
  } catch (const ImageError& error) {
    EXPECT_EQ(error.file(), "folder/1");
    EXPECT_THAT(error.reason(), testing::HasSubstr("the file is truncated"));
  }
}

TEST_F(PackTest, NothingIsLeftOfAPackThatWasNotFinished) {
  { PackWriter(path_, {}).add(image(3, 3, 1, DType::u8), -1, "a"); }
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST(Shrink, AveragesAndKeepsTheShape) {
  Image image{Tensor::empty({4, 8, 1}, DType::u8)};
  for (int64_t i = 0; i < 32; ++i) image.pixels.mutable_data<uint8_t>()[i] = i % 2 ? 0 : 200;
  const Image small = shrink(image, 2);
  ASSERT_EQ(small.pixels.shape(), (Shape{2, 4, 1}));
  for (int64_t i = 0; i < 8; ++i) EXPECT_NEAR(small.pixels.data<uint8_t>()[i], 100, 26) << i;
  EXPECT_EQ(shrink(image, 4).pixels.storage(), image.pixels.storage());
  const Image flat = shrink({Tensor::full({30, 20, 3}, 0.25)}, 7);
  ASSERT_EQ(flat.pixels.shape(), (Shape{11, 7, 3}));
  for (int64_t i = 0; i < flat.pixels.numel(); ++i) EXPECT_NEAR(flat.pixels.data<float>()[i], 0.25, 1e-6);
}

}  // namespace
}  // namespace minissl
