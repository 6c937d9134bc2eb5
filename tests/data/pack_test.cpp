#include "data/sources/pack.h"

#include <cstring>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "data/decode/decode.h"
#include "data/encode_jpeg.h"
#include "data/sources/pack_writer.h"
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
  static void add(PackWriter& writer, const Image& image, int64_t i) {
    writer.add({.image = image, .label = i % 3 - 1, .name = "folder/" + std::to_string(i)}, i);
  }
  void write(const std::vector<Image>& images) const {
    PackWriter writer(path_, header_);
    for (size_t i = 0; i < images.size(); ++i) add(writer, images[i], static_cast<int64_t>(i));
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
  const std::filesystem::path part_ = folder_.path() / "images.pack.minissl-part";
  const PackHeader header_{"some images", {"normal", "covid 19"}};
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
  std::set<std::string> damaged_images;
  for (size_t at = 0; at < whole.size(); ++at)
    for (const int bit : {0, 6}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      if (!refusal(damaged).empty() || !is_pack(path_)) continue;
      const PackFile pack(path_, 3);
      for (int64_t i = 0; i < pack.size(); ++i) {
        const Loaded loaded = try_load(pack, i);
        if (loaded.ok()) {  // a bit of the padding
          const Tensor expected = with_channels(images[static_cast<size_t>(i)], 3).pixels;
          ASSERT_EQ(std::memcmp(loaded.image.pixels.bytes_begin(), expected.bytes_begin(),
                                static_cast<size_t>(expected.bytes())),
                    0)
              << at;
        } else if (loaded.reason.find("its checksum differs: the pack is damaged there") != std::string::npos) {
          damaged_images.insert(pack.name(i));
        } else {
          EXPECT_THAT(loaded.reason, testing::HasSubstr("can't be found; make it again"));
        }
      }
    }
  EXPECT_THAT(damaged_images, testing::ElementsAre("folder/0", "folder/1"));
}

TEST_F(PackTest, OtherVersionsAreRefusedByName) {
  EXPECT_THAT(refusal("minissl pack 2\n\n" + std::string(100, 'x')), testing::HasSubstr("no pack of this version"));
}

TEST_F(PackTest, EncodedSamplesAreDecoded) {
  Image smooth{Tensor::empty({40, 30, 1}, DType::u8)};
  for (int64_t i = 0; i < smooth.pixels.numel(); ++i)
    smooth.pixels.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(i / 10);
  {
    PackWriter writer(path_, header_);
    writer.add({.image = smooth, .encoded = encode_jpeg(smooth, 95), .label = 1, .name = "x"}, 0);
    writer.commit();
  }
  const PackFile pack(path_, 3);
  const Tensor loaded = pack.load(0).pixels;
  ASSERT_EQ(loaded.shape(), (Shape{40, 30, 3}));
  for (int64_t i = 0; i < smooth.pixels.numel(); ++i)
    ASSERT_NEAR(loaded.data<uint8_t>()[3 * i + 1], smooth.pixels.data<uint8_t>()[i], 6);
  EXPECT_THROW(encode_jpeg(image(2, 2, 1, DType::f32), 90), Error);
}

TEST_F(PackTest, KeepsLabelsAndPatients) {
  const PackHeader header{"findings", {}, {"edema", "effusion"}};
  {
    PackWriter writer(path_, header);
    writer.add(
        {.image = image(2, 2, 1, DType::u8), .name = "a", .patient = "p1", .labels = {Label::yes, Label::unknown}}, 0);
    writer.add({.image = image(2, 2, 1, DType::u8), .name = "b", .labels = {Label::no, Label::yes}}, 1);
    writer.commit();
  }
  const PackFile pack(path_, 1);
  EXPECT_THAT(pack.label_names(), testing::ElementsAre("edema", "effusion"));
  EXPECT_THAT(pack.labels(0), testing::ElementsAre(Label::yes, Label::unknown));
  EXPECT_THAT(pack.labels(1), testing::ElementsAre(Label::no, Label::yes));
  EXPECT_EQ(pack.patient(0), "p1");
  EXPECT_EQ(pack.patient(1), "");
}

TEST_F(PackTest, ManyBlocksAreFoundByTheirTable) {
  {
    PackWriter writer(path_, header_);
    for (int64_t i = 0; i < 1000; ++i) add(writer, image(1 + i % 7, 2, 1, DType::u8), i);
    writer.commit();
  }
  const PackFile pack(path_, 1);
  ASSERT_EQ(pack.size(), 1000);
  for (const int64_t i : {0, 255, 256, 511, 512, 999, 700, 3}) {
    EXPECT_EQ(pack.name(i), "folder/" + std::to_string(i));
    EXPECT_EQ(pack.load(i).height(), 1 + i % 7);
  }
}

TEST_F(PackTest, AnInterruptedPackGoesOnInTheSameBytes) {
  const auto write_some = [&](int64_t until, bool commit) {
    PackWriter writer(path_, header_);
    for (int64_t i = writer.source_end(); i < until; ++i)
      if (i % 10 != 3) add(writer, image(1 + i % 5, 3, 1, DType::u8), i);  // some can't be read
    if (commit) writer.commit();
  };
  write_some(1000, true);
  const std::string whole = read_file(path_);
  std::filesystem::remove(path_);

  write_some(700, false);
  const std::string part = read_file(part_);
  ASSERT_FALSE(std::filesystem::exists(path_));
  write_some(1000, true);
  EXPECT_TRUE(read_file(path_) == whole);
  EXPECT_FALSE(std::filesystem::exists(part_));

  // Whatever a killed machine left of the part.
  for (size_t length = 0; length <= part.size(); length += 997) {
    std::ofstream(part_, std::ios::binary) << part.substr(0, length);
    write_some(1000, true);
    EXPECT_TRUE(read_file(path_) == whole) << length;
  }
  std::string damaged = part;
  damaged[damaged.size() / 2] ^= 1;
  std::ofstream(part_, std::ios::binary) << damaged;
  write_some(1000, true);
  EXPECT_TRUE(read_file(path_) == whole);
}

TEST_F(PackTest, AnInterruptedPackOfSomethingElseIsKept) {
  { PackWriter writer(path_, header_); }
  const std::string part = read_file(part_);
  try {
    PackWriter(path_, {"other images", {}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("of other images or other settings (some images)"));
  }
  EXPECT_TRUE(read_file(part_) == part);
  const PackWriter one(path_, header_);
  EXPECT_THROW(PackWriter(path_, header_), Error) << "two writers";
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
