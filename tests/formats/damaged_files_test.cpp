#include <chrono>
#include <cstring>
#include <functional>

#include "formats/safetensors.h"
#include "scratch_folder.h"
#include "tensor/atomic_file.h"
#include "tensor/random.h"

/// What a failing disk or a broken copy does to a file. It is refused, or what is read is exactly what was written.
namespace minissl {
namespace {

class DamagedFilesTest : public ScratchFolder {
 protected:
  void SetUp() override {
    ScratchFolder::SetUp();
    const Random random(3, RandomSite::test);
    for (int t = 0; t < 24; ++t) {
      Tensor values = Tensor::empty({3, 347});
      for (uint32_t i = 0; i < values.numel(); ++i)
        values.mutable_data<float>()[i] = random.normal(static_cast<uint32_t>(t) << 16 | i);
      tensors_.emplace_back(fmt::format("layer{}.conv.weight", t), values);
    }
    tensors_.emplace_back("steps", Tensor::from<int64_t>({1}, {12}));
    save_safetensors(file("good"), tensors_, metadata_);
    good_ = read_file(file("good"));
    uint64_t length = 0;
    std::memcpy(&length, good_.data(), sizeof length);
    header_end_ = sizeof length + length;
  }

  /// Whether the content is refused; fails the test if it is read as anything else than what was written.
  bool is_refused(const std::string& content, const std::string& what) const {
    const auto path = file_with(content, "bad");
    try {
      const TensorFile loaded = load_safetensors(path);
      EXPECT_EQ(loaded.metadata, metadata_) << what;
      EXPECT_EQ(loaded.tensors.size(), tensors_.size()) << what;
      for (size_t i = 0; i < std::min(loaded.tensors.size(), tensors_.size()); ++i) {
        EXPECT_EQ(loaded.tensors[i].first, tensors_[i].first) << what;
        EXPECT_EQ(loaded.tensors[i].second.str(), tensors_[i].second.str()) << what;
        EXPECT_EQ(loaded.tensors[i].second.to_vector(), tensors_[i].second.to_vector()) << what;
      }
      return false;
    } catch (const Error& e) {
      EXPECT_TRUE(std::string_view(e.what()).starts_with(path.string())) << e.what();
      return true;
    }
  }

  NamedTensors tensors_;
  const Metadata metadata_ = {{"mean", "0.485,0.456,0.406"}, {"flags", "dim = 128\nqueue = 65536\n"}};
  std::string good_;
  size_t header_end_ = 0;
};

TEST_F(DamagedFilesTest, AFlippedBitIsFoundWhereverItIs) {
  EXPECT_FALSE(is_refused(good_, "as written"));
  std::vector<size_t> bits;
  for (size_t bit = 0; bit < header_end_ * 8; bit += 37) bits.push_back(bit);
  for (size_t bit = header_end_ * 8; bit < good_.size() * 8; bit += 8191) bits.push_back(bit);
  for (const size_t bit : bits) {
    std::string bad = good_;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_TRUE(is_refused(bad, fmt::format("bit {}", bit)));
  }
}

TEST_F(DamagedFilesTest, EveryBitOfTheNamesOfChecksumsMatters) {
  for (const char* name : {"__metadata__", "xxh3.header", "xxh3.tensors"}) {
    const size_t at = good_.find(name);
    for (size_t bit = 8 * at; bit < 8 * (at + std::strlen(name)); ++bit) {
      std::string bad = good_;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
      EXPECT_TRUE(is_refused(bad, fmt::format("{}, bit {}", name, bit)));
    }
  }
}

TEST_F(DamagedFilesTest, ZeroedSectorsAndGarbageAreFound) {
  const Random random(4, RandomSite::test);
  for (const size_t sector : {size_t{512}, size_t{4096}})
    for (size_t at = 0; at + sector <= good_.size(); at += sector) {
      std::string zeroed = good_, garbage = good_;
      std::fill_n(zeroed.begin() + static_cast<std::ptrdiff_t>(at), sector, '\0');
      EXPECT_TRUE(is_refused(zeroed, fmt::format("{} zeros at {}", sector, at)));
      for (size_t i = at; i < at + sector; ++i)
        garbage[i] = static_cast<char>(random.below(static_cast<uint32_t>(i), 256));
      EXPECT_TRUE(is_refused(garbage, fmt::format("{} random bytes at {}", sector, at)));
    }
}

TEST_F(DamagedFilesTest, SwappedBlocksAreFound) {
  const Random random(5, RandomSite::test);
  for (const size_t block : {size_t{512}, size_t{4096}})
    for (uint32_t n = 0; n < 150; ++n) {
      const auto blocks = static_cast<uint32_t>(good_.size() / block);
      const size_t a = random.below(2 * n, blocks) * block, b = random.below(2 * n + 1, blocks) * block;
      std::string bad = good_;
      std::swap_ranges(bad.data() + a, bad.data() + a + block, bad.data() + b);
      EXPECT_EQ(is_refused(bad, fmt::format("{} bytes at {} and {}", block, a, b)), bad != good_);
    }
  // The data of two tensors of the same type and shape.
  const SafetensorsReader reader(file("good"));
  const StoredTensor &first = reader.tensors()[0], &second = reader.tensors()[1];
  std::string bad = good_;
  char* data = bad.data() + header_end_;
  std::swap_ranges(data + first.begin, data + first.end, data + second.begin);
  EXPECT_TRUE(is_refused(bad, "swapped tensors"));
}

TEST_F(DamagedFilesTest, TruncatedAndContinuedFilesAreFound) {
  for (size_t length = 0; length < good_.size(); length += 499)
    EXPECT_TRUE(is_refused(good_.substr(0, length), fmt::format("{} bytes", length)));
  EXPECT_TRUE(is_refused(good_ + '\0', "a byte more"));
}

TEST_F(DamagedFilesTest, TheMessageNamesFileAndTensor) {
  std::string bad = good_;
  const SafetensorsReader good(file("good"));
  for (const size_t tensor : {size_t{3}, size_t{7}})
    ++bad[header_end_ + static_cast<size_t>(good.tensors()[tensor].end) - 1];
  const auto path = file_with(bad, "bad");
  const SafetensorsReader reader(path);
  EXPECT_TRUE(reader.has_checksums());
  EXPECT_EQ(message_of([&] { reader.read("layer3.conv.weight"); }),
            path.string() + ": tensor \"layer3.conv.weight\" is damaged: its checksum differs; use another checkpoint");
  EXPECT_EQ(reader.read("layer4.conv.weight").to_vector(), tensors_[4].second.to_vector());
  EXPECT_EQ(message_of([&] { reader.verify(); }),
            path.string() +
                ": of 25 tensors, 2 are damaged, because their checksums differ: \"layer3.conv.weight\", "
                "\"layer7.conv.weight\"; use another checkpoint");
  good.verify();
  bad = good_;
  bad[bad.find("0.485")] = '1';
  EXPECT_EQ(message_of([&] { SafetensorsReader(file_with(bad, "bad")); }),
            path.string() +
                ": is damaged: the checksum of its header differs; use another file (or, if another program "
                "rewrote this one, write it without the metadata xxh3.header and xxh3.tensors)");
}

TEST_F(DamagedFilesTest, ALongHeaderIsReadInLinearTime) {
  std::vector<std::string> members;
  for (int i = 0; i < 40'000; ++i)
    members.push_back(fmt::format(R"("t{}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", i));
  const std::string header = fmt::format("{{{}}}", fmt::join(members, ","));
  const uint64_t length = header.size();
  std::string content(sizeof length, '\0');
  std::memcpy(content.data(), &length, sizeof length);
  const auto path = file_with(content + header);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(SafetensorsReader(path).tensors().size(), 40'000U);
  // A tenth of a second; in quadratic time it was 40.
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
}

}  // namespace
}  // namespace minissl
