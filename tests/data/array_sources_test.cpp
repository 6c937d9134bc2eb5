#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/dataset.h"
#include "data/decode/decode.h"
#include "tensor/atomic_file.h"
#include "tests/data/archive_files.h"
#include "tests/data/image_files.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class ArraySources : public testing::Test {
 protected:
  std::unique_ptr<Dataset> open(const std::string& spec, int channels = 3) const {
    return open_dataset((folder_.path() / spec).string(), channels, 0);
  }
  std::string reason(const std::string& spec) const { return test::reason_to_refuse((folder_.path() / spec).string()); }
  void write(const std::string& name, const std::string& bytes) const { write_file(folder_.file(name), bytes); }
  static std::vector<int64_t> labels_of(const Dataset& dataset) {
    std::vector<int64_t> labels;
    for (int64_t i = 0; i < dataset.size(); ++i) labels.push_back(dataset.label(i));
    return labels;
  }
  test::TemporaryFolder folder_;
};

// Image `seed`'s byte of plane c, row y, column x.
uint8_t cifar_byte(int seed, int c, int y, int x) { return static_cast<uint8_t>(seed * 31 + c * 97 + y * 5 + x * 3); }

std::string cifar_record(const std::string& labels, int seed) {
  std::string record = labels;
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 32; ++y)
      for (int x = 0; x < 32; ++x) record += static_cast<char>(cifar_byte(seed, c, y, x));
  return record;
}

class Cifar : public ArraySources {
 protected:
  void write_cifar10() const {
    for (int batch = 1; batch <= 5; ++batch)
      write(fmt::format("c10/data_batch_{}.bin", batch),
            cifar_record(std::string(1, static_cast<char>(batch % 3)), batch) + cifar_record("\x02", 10 + batch));
    write("c10/test_batch.bin", cifar_record("\x01", 99));
    write("c10/batches.meta.txt", "airplane\nautomobile\nbird\n\n");
    write("c10/readme.html", "<html>");
  }
};

TEST_F(Cifar, TenAsPublished) {
  write_cifar10();
  const auto train = open("c10");
  ASSERT_EQ(train->size(), 10);
  EXPECT_THAT(train->class_names(), ElementsAre("airplane", "automobile", "bird"));
  EXPECT_THAT(labels_of(*train), ElementsAre(1, 2, 2, 2, 0, 2, 1, 2, 2, 2));
  EXPECT_EQ(train->name(3), "data_batch_2.bin/000001");
  ASSERT_EQ(train->remarks().size(), 1U);
  EXPECT_THAT(train->remarks()[0], HasSubstr("its part train; there are train, test"));
  const Image image = train->load(3);
  ASSERT_EQ(image.pixels.shape(), (Shape{32, 32, 3}));
  for (const int y : {0, 7, 31})
    for (const int x : {0, 13, 31})
      for (const int c : {0, 1, 2})
        EXPECT_EQ(image.pixels.data<uint8_t>()[(y * 32 + x) * 3 + c], cifar_byte(12, c, y, x));
  EXPECT_EQ(open("c10", 1)->load(0).channels(), 1);
  EXPECT_EQ(open("c10:train")->size(), 10);
  EXPECT_THAT(labels_of(*open("c10:test")), ElementsAre(1));
  EXPECT_EQ(open("c10/data_batch_4.bin")->size(), 2);
}

TEST_F(Cifar, AHundredHaveFineLabels) {
  write("c100/train.bin", cifar_record(std::string("\x01\x02", 2), 1) + cifar_record(std::string("\x00\x00", 2), 2));
  write("c100/test.bin", cifar_record(std::string("\x00\x01", 2), 3));
  write("c100/fine_label_names.txt", "apple\naquarium_fish\nbaby\n");
  write("c100/coarse_label_names.txt", "a\nb\n");
  const auto train = open("c100");
  EXPECT_THAT(labels_of(*train), ElementsAre(2, 0));
  EXPECT_EQ(train->load(1).pixels.data<uint8_t>()[5], cifar_byte(2, 2, 0, 1));
  EXPECT_THAT(labels_of(*open("c100/test.bin")), ElementsAre(1));
}

TEST_F(Cifar, DamageIsOneLine) {
  write_cifar10();
  EXPECT_THAT(reason("c10:validation"), HasSubstr("there is no part validation in it; there are train, test"));
  EXPECT_THAT(reason("c10/test_batch.bin:test"), HasSubstr("one file has no parts"));
  write("c10/data_batch_3.bin", cifar_record("\x01", 1).substr(0, 3000));
  EXPECT_THAT(reason("c10"), HasSubstr("data_batch_3.bin: 3000 bytes are no whole number of records of 3073"));
  write("c10/data_batch_3.bin", cifar_record("\x01", 1) + cifar_record("\x03", 1));
  EXPECT_THAT(reason("c10"), HasSubstr("data_batch_3.bin: image 1 has the label 3, and there are 3 names"));
  fs::remove(folder_.file("c10/data_batch_3.bin"));
  EXPECT_THAT(reason("c10"), HasSubstr("data_batch_3.bin: can't open"));
}

std::string big_endian(const std::vector<uint32_t>& values) {
  std::string bytes;
  for (const uint32_t value : values)
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}
std::string idx_images(uint32_t count, uint32_t height, uint32_t width) {
  std::string bytes = big_endian({0x803, count, height, width});
  for (uint32_t i = 0; i < count * height * width; ++i) bytes += static_cast<char>(i * 7);
  return bytes;
}
std::string idx_labels(const std::string& labels) {
  return big_endian({0x801, static_cast<uint32_t>(labels.size())}) + labels;
}

class Idx : public ArraySources {};

TEST_F(Idx, FoldersAsPublishedPlainOrGzipped) {
  write("raw/train-images-idx3-ubyte.gz", test::gzipped(idx_images(3, 5, 4)));
  write("raw/train-labels-idx1-ubyte.gz", test::gzipped(idx_labels(std::string("\x09\x00\x02", 3))));
  write("raw/t10k-images-idx3-ubyte", idx_images(2, 5, 4));
  write("raw/t10k-labels-idx1-ubyte", idx_labels("\x02\x09"));
  const auto train = open("raw", 1), test = open("raw:test", 3);
  ASSERT_EQ(train->size(), 3);
  EXPECT_THAT(train->class_names(), ElementsAre("0", "2", "9"));
  EXPECT_THAT(labels_of(*train), ElementsAre(2, 0, 1));
  EXPECT_EQ(train->name(2), "train-images-idx3-ubyte.gz/000002");
  const Image image = train->load(2);
  ASSERT_EQ(image.pixels.shape(), (Shape{5, 4, 1}));
  for (int p = 0; p < 20; ++p) EXPECT_EQ(image.pixels.data<uint8_t>()[p], static_cast<uint8_t>((40 + p) * 7));
  EXPECT_THAT(train->remarks(), testing::Contains(HasSubstr("unpacked into a temporary file")));
  EXPECT_EQ(test->load(1).pixels.shape(), (Shape{5, 4, 3}));
  EXPECT_THAT(labels_of(*test), ElementsAre(0, 1));
  EXPECT_EQ(open("raw/t10k-images-idx3-ubyte")->size(), 2);
  fs::remove(folder_.file("raw/t10k-labels-idx1-ubyte"));
  const auto without = open("raw:test");
  EXPECT_TRUE(without->class_names().empty());
  EXPECT_EQ(without->label(0), -1);
  EXPECT_THAT(without->remarks(), testing::Contains(HasSubstr("no file of labels beside it")));
}

TEST_F(Idx, DamageIsOneLine) {
  const std::string images = idx_images(3, 5, 4);
  const auto reason_with = [&](const std::string& bytes, const std::string& labels) {
    write("d/train-images-idx3-ubyte", bytes);
    write("d/train-labels-idx1-ubyte", labels);
    return reason("d");
  };
  const std::string labels = idx_labels("abc");
  EXPECT_EQ(reason_with(images, labels), "opened");
  EXPECT_THAT(reason_with(images.substr(0, 75), labels),
              HasSubstr("3 images of 20 bytes don't fit into its 75 bytes: it is cut short"));
  EXPECT_THAT(reason_with(images.substr(0, 10), labels), HasSubstr("too short for an IDX file"));
  EXPECT_THAT(reason_with("\x50" + images.substr(1), labels), HasSubstr("it begins with 50000803"));
  EXPECT_THAT(reason_with(images, idx_labels("ab")), HasSubstr("2 labels for 3 images"));
  EXPECT_THAT(reason_with(images, labels.substr(0, 10)), HasSubstr("ends before its last label"));
  EXPECT_THAT(reason_with(big_endian({0x803, 0xffffffff, 0xffffffff, 0xffffffff}), labels),
              HasSubstr("4294967295 x 4294967295 pixels"));
  EXPECT_THAT(reason_with(big_endian({0x803, 0, 5, 4}), idx_labels("")), HasSubstr("no images"));
  fs::remove(folder_.file("d/train-images-idx3-ubyte"));
  const std::string packed = test::gzipped(images);
  const auto reason_packed = [&](const std::string& bytes) {
    write("d/train-images-idx3-ubyte.gz", bytes);
    return reason("d");
  };
  write("d/train-labels-idx1-ubyte", labels);
  EXPECT_EQ(reason_packed(packed), "opened");
  EXPECT_THAT(reason_packed(packed.substr(0, packed.size() - 10)), HasSubstr("it is damaged or cut short"));
  std::string wrong_sum = packed;
  wrong_sum[packed.size() - 6] ^= 1;
  EXPECT_THAT(reason_packed(wrong_sum), HasSubstr("incorrect data check"));
  EXPECT_THAT(reason_packed(images), HasSubstr("not gzip"));
}

std::string counting(size_t count) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i) bytes += static_cast<char>(i * 5);
  return bytes;
}

class Npz : public ArraySources {
 protected:
  void write_npz(const test::Members& arrays) const { test::write_archive(folder_.file("m.npz"), arrays, "zip"); }
  std::string reason_of(const std::string& images, const std::string& labels) const {
    write_npz({{"train_images.npy", images}, {"train_labels.npy", labels}});
    return reason("m.npz");
  }
};

TEST_F(Npz, PartsOfMedMnist) {
  const std::string eight("\x03\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0", 16);
  write_npz({{"train_images.npy", test::npy("|u1", {2, 3, 4}, counting(24))},
             {"train_labels.npy", test::npy("<i8", {2, 1}, eight)},
             {"val_images.npy", test::npy("|u1", {1, 3, 4}, counting(12))},
             {"val_labels.npy", test::npy("|u1", {1, 1}, "\x01")},
             {"test_images.npy", test::npy("|u1", {1, 2, 2, 3}, counting(12))},
             {"test_labels.npy", test::npy("|u1", {1, 4}, std::string("\x01\x00\x00\x01", 4))}});
  const auto train = open("m.npz", 1);
  EXPECT_THAT(train->class_names(), ElementsAre("1", "3"));
  EXPECT_THAT(labels_of(*train), ElementsAre(1, 0));
  EXPECT_EQ(train->name(1), "train/000001");
  EXPECT_EQ(train->load(1).pixels.shape(), (Shape{3, 4, 1}));
  EXPECT_EQ(train->load(1).pixels.data<uint8_t>()[2], static_cast<uint8_t>(14 * 5));
  EXPECT_EQ(open("m.npz:val")->size(), 1);
  const auto several = open("m.npz:test");
  EXPECT_TRUE(several->class_names().empty());
  EXPECT_THAT(several->label_names(), ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(several->labels(0), ElementsAre(Label::yes, Label::no, Label::no, Label::yes));
  EXPECT_EQ(several->load(0).pixels.data<uint8_t>()[11], static_cast<uint8_t>(55));
  EXPECT_THAT(reason("m.npz:all"), HasSubstr("there are train, val, test"));
}

TEST_F(Npz, DamageIsOneLine) {
  const std::string images = test::npy("|u1", {2, 3, 4}, counting(24)), labels = test::npy("|u1", {2, 1}, "ab");
  EXPECT_EQ(reason_of(images, labels), "opened");
  EXPECT_THAT(reason_of(images.substr(0, images.size() - 1), labels),
              HasSubstr("train_images.npy: its elements don't fit"));
  EXPECT_THAT(reason_of(test::npy("<f4", {2, 3, 4}, counting(96)), labels), HasSubstr("whole numbers"));
  EXPECT_THAT(reason_of(test::npy("|u1", {2, 3, 4, 4}, counting(96)), labels),
              HasSubstr("images are u1 (N, H, W) or (N, H, W, 3)"));
  EXPECT_THAT(reason_of(images, test::npy("|u1", {3, 1}, "abc")), HasSubstr("2 images need (2, 1)"));
  EXPECT_THAT(reason_of(images, test::npy("|u1", {2, 2}, std::string("\0\1\0\2", 4))),
              HasSubstr("image 1 has 2 for a label"));
  EXPECT_THAT(reason_of(images, test::npy("|i1", {2, 1}, "\x01\xff")), HasSubstr("-1 is not the number of a class"));
  EXPECT_THAT(reason_of("no array", labels), HasSubstr("too short for a .npy array"));
  EXPECT_THAT(reason_of(test::npy("|u1", {1LL << 62, 1LL << 62, 4}, ""), labels), HasSubstr("don't fit"));
  write_npz({{"x.npy", images}});
  EXPECT_THAT(reason("m.npz"), HasSubstr("no arrays train_images"));
  write_npz({{"train_images.npy", images}});
  const std::string file = read_file(folder_.file("m.npz"));
  write("m.npz", file.substr(0, file.size() / 2));
  EXPECT_NE(reason("m.npz"), "opened");
}

}  // namespace
}  // namespace minissl
