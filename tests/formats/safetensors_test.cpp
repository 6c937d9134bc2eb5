#include "formats/safetensors.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <sys/stat.h>

#include "scratch_folder.h"
#include "tensor/atomic_file.h"
#include "tensor/random.h"

namespace minissl {
namespace {

using testing::ValuesIn;

std::string bytes_of(const Tensor& t) {
  return {reinterpret_cast<const char*>(t.bytes_begin()), static_cast<size_t>(t.bytes())};
}

/// A file with this header and data.
std::string file_of(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  std::string content(sizeof length, '\0');
  std::memcpy(content.data(), &length, sizeof length);
  return content + header + data;
}

class SafetensorsTest : public ScratchFolder {
 protected:
  static NamedTensors one_of_each() {
    return {{"bytes", Tensor::from<uint8_t>({3}, {0, 127, 255})},
            {"floats", Tensor::from<float>({2, 3}, {1, -2, 0.5f, -0.0f, INFINITY, 1e-42f})},
            {"doubles", Tensor::from<double>({1, 2, 1}, {1.0 / 3, -1e300})},
            {"brains", Tensor::from<bfloat16>({2}, {bfloat16(3.14159f), bfloat16(-1e30f)})},
            {"counts", Tensor::from<int64_t>({2, 1}, {INT64_MIN, INT64_MAX})},
            {"scalar", Tensor::from<float>({}, {42})},
            {"empty", Tensor::zeros({4, 0, 2}, DType::i64)},
            {"names: \"quoted\", \n, ü", Tensor::zeros({1})}};
  }
};

TEST_F(SafetensorsTest, RoundTripKeepsNamesOrderTypesShapesBitsAndMetadata) {
  const NamedTensors tensors = one_of_each();
  const Metadata metadata = {{"epoch", "25"}, {"text", "two\nlines, \"quotes\" and ü"}};
  save_safetensors(file("f"), tensors, metadata);
  const TensorFile loaded = load_safetensors(file("f"));
  EXPECT_EQ(loaded.metadata, metadata);
  ASSERT_EQ(loaded.tensors.size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, wanted] = tensors[i];
    const auto& [loaded_name, got] = loaded.tensors[i];
    EXPECT_EQ(loaded_name, name);
    EXPECT_EQ(got.str(), wanted.str()) << name;
    EXPECT_EQ(bytes_of(got), bytes_of(wanted)) << name;
  }
}

TEST_F(SafetensorsTest, AnEmptyFileRoundTrips) {
  save_safetensors(file("f"), {});
  EXPECT_EQ(read_file(file("f")),
            file_of(R"({"__metadata__":{"xxh3.header":"a0ebc3c02918680d","xxh3.tensors":""}}   )", ""));
  EXPECT_TRUE(load_safetensors(file("f")).tensors.empty());
}

TEST_F(SafetensorsTest, BytesAreAFunctionOfTheContent) {
  save_safetensors(file("a"), one_of_each(), {{"y", "1"}, {"x", "2"}});
  save_safetensors(file("b"), one_of_each(), {{"x", "2"}, {"y", "1"}});
  EXPECT_EQ(read_file(file("a")), read_file(file("b")));
  save_safetensors(file("c"), {{"w", Tensor::from<float>({1, 2}, {1, 2})}}, {{"k", "v"}});
  // The checksums as Python's xxhash computes them.
  std::string header =
      R"({"__metadata__":{"k":"v","xxh3.header":"9a01a81205b2f32f","xxh3.tensors":"4de8d78f7134f4b7"},)"
      R"("w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})";
  header.append((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(read_file(file("c")), file_of(header, std::string("\0\0\x80\x3f\0\0\0\x40", 8)));
}

TEST_F(SafetensorsTest, EveryTensorIsAligned) {
  save_safetensors(file("f"), one_of_each());
  const std::string content = read_file(file("f"));
  uint64_t header = 0;
  std::memcpy(&header, content.data(), sizeof header);
  EXPECT_EQ(header % 8, 0u);
  const SafetensorsReader reader(file("f"));
  for (const StoredTensor& t : reader.tensors()) EXPECT_EQ(t.begin % size_of(t.dtype), 0) << t.name;
}

TEST_F(SafetensorsTest, ViewsAreWrittenAsTheirElements) {
  const Tensor whole = Tensor::from<float>({3, 2}, {1, 2, 3, 4, 5, 6});
  save_safetensors(file("f"), {{"rows", whole.rows(1, 2)}});
  EXPECT_EQ(load_safetensors(file("f")).tensors[0].second.to_vector(), (std::vector<double>{3, 4}));
}

TEST_F(SafetensorsTest, ReaderFindsSingleTensors) {
  save_safetensors(file("f"), one_of_each(), {{"k", "v"}});
  const SafetensorsReader reader(file("f"));
  EXPECT_TRUE(reader.contains("counts"));
  EXPECT_FALSE(reader.contains("missing"));
  EXPECT_EQ(reader.read("scalar").item(), 42);
  EXPECT_EQ(reader.metadata().at("k"), "v");
  EXPECT_EQ(message_of([&] { reader.read("missing"); }), file("f").string() + ": holds no tensor \"missing\"");
  const TensorFile loaded = load_safetensors(file("f"));
  ASSERT_NE(loaded.find("scalar"), nullptr);
  EXPECT_EQ(loaded.find("scalar")->item(), 42);
  EXPECT_EQ(loaded.find("missing"), nullptr);
}

TEST_F(SafetensorsTest, HalvesWidenExactly) {
  // Every bit pattern, decoded by the definition of the format.
  std::vector<uint16_t> halves(65536);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  const std::string data(reinterpret_cast<const char*>(halves.data()), 2 * halves.size());
  const auto path = file_with(file_of(R"({"h":{"dtype":"F16","shape":[65536],"data_offsets":[0,131072]}})", data));
  const Tensor t = SafetensorsReader(path).read("h");
  EXPECT_EQ(t.str(), "f32[65536]");
  for (int i = 0; i < 65536; ++i) {
    const int exponent = i >> 10 & 31, mantissa = i & 1023;
    const double sign = i & 0x8000 ? -1 : 1;
    const float got = t.data<float>()[i];
    if (exponent == 31 && mantissa) {
      ASSERT_TRUE(std::isnan(got)) << i;
      continue;
    }
    const double magnitude = exponent == 31  ? std::numeric_limits<double>::infinity()
                             : exponent == 0 ? std::ldexp(mantissa, -24)
                                             : std::ldexp(1024 + mantissa, exponent - 25);
    ASSERT_EQ(got, sign * magnitude) << i;
    ASSERT_EQ(std::signbit(got), sign < 0) << i;
  }
}

TEST_F(SafetensorsTest, NarrowIntegersAndBooleansWiden) {
  const auto path = file_with(file_of(
      R"({"i":{"dtype":"I32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"BOOL","shape":[2],"data_offsets":[8,10]}})",
      std::string("\xff\xff\xff\xff\0\0\0\x7f\0\1", 10)));
  const TensorFile f = load_safetensors(path);
  EXPECT_EQ(f.find("i")->str(), "i64[2]");
  EXPECT_EQ(f.find("i")->to_vector(), (std::vector<double>{-1, 0x7f000000}));
  EXPECT_EQ(f.find("b")->str(), "u8[2]");
  EXPECT_EQ(f.find("b")->to_vector(), (std::vector<double>{0, 1}));
  EXPECT_EQ(SafetensorsReader(path).tensors()[1].stored_as, "BOOL");
}

TEST_F(SafetensorsTest, TheDataMayBeInAnotherOrderThanTheHeader) {
  const auto path = file_with(file_of(
      R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
      "\x07\x08"));
  const TensorFile f = load_safetensors(path);
  EXPECT_EQ(f.tensors[0].first, "b");
  EXPECT_EQ(f.tensors[0].second.item(), 8);
  EXPECT_EQ(f.find("a")->item(), 7);
}

TEST_F(SafetensorsTest, RefusesToWriteUnreadableFiles) {
  const Tensor t = Tensor::zeros({1});
  const auto refusal = [&](const NamedTensors& tensors, const Metadata& metadata = {}) {
    std::string message = message_of([&] { save_safetensors(file("f"), tensors, metadata); });
    EXPECT_FALSE(std::filesystem::exists(file("f")));
    return message;
  };
  const std::string begin = file("f").string() + ": can't write: ";
  EXPECT_EQ(refusal({{"a", t}, {"a", t}}), begin + "two tensors are called \"a\"");
  EXPECT_EQ(refusal({{"a", Tensor()}}), begin + "tensor \"a\" is undefined");
  EXPECT_EQ(refusal({{"__metadata__", t}}), begin + "no tensor may be called __metadata__");
  EXPECT_EQ(refusal({{"\xff", t}}), begin + "a tensor's name or a metadata text is not valid UTF-8");
  EXPECT_EQ(refusal({}, {{"xxh3.tensors", "1"}}),
            begin + "the metadata names xxh3.header and xxh3.tensors are kept for checksums");
  EXPECT_EQ(refusal({}, {{"k", "\xff"}}), begin + "a tensor's name or a metadata text is not valid UTF-8");
}

TEST_F(SafetensorsTest, RefusesWhatIsNotARegularFile) {
  EXPECT_EQ(message_of([&] { SafetensorsReader reader(file("")); }), file("").string() + ": is not a regular file");
  EXPECT_EQ(message_of([&] { SafetensorsReader reader(file("none")); }),
            file("none").string() + ": can't open: No such file or directory");
  ASSERT_EQ(mkfifo(file("pipe").c_str(), 0600), 0);
  EXPECT_EQ(message_of([&] { SafetensorsReader reader(file("pipe")); }),
            file("pipe").string() + ": is not a regular file");
}

TEST_F(SafetensorsTest, AFileThatShrinksWhileOpenIsAnError) {
  save_safetensors(file("f"), {{"w", Tensor::zeros({1000})}});
  const SafetensorsReader reader(file("f"));
  std::filesystem::resize_file(file("f"), 2000);
  EXPECT_NE(message_of([&] { reader.read("w"); }).find("the file is truncated"), std::string::npos);
}

TEST_F(SafetensorsTest, RefusesAHeaderAboveTheLimit) {
  const auto path = file_with(std::string("\x01\xe1\xf5\x05\0\0\0\0", 8));
  std::filesystem::resize_file(path, 200'000'000);  // sparse
  EXPECT_EQ(message_of([&] { SafetensorsReader reader(path); }),
            path.string() +
                ": is not a .safetensors file: a header of 100000001 bytes is longer than the format's "
                "limit of 100000000");
}

TEST_F(SafetensorsTest, FilesWithoutChecksumsLoadAsTheyAre) {
  const auto path = file_with(
      file_of(R"({"__metadata__":{"k":"v"},"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "\x07\x08"));
  const SafetensorsReader reader(path);
  EXPECT_FALSE(reader.has_checksums());
  EXPECT_EQ(reader.metadata(), (Metadata{{"k", "v"}}));
  EXPECT_EQ(reader.read("w").to_vector(), (std::vector<double>{7, 8}));
  reader.verify();
}

TEST_F(SafetensorsTest, NoSingleFlippedByteOfAFileWithoutChecksumsCrashesTheReader) {
  save_safetensors(file("f"), one_of_each(), {{"k", "v"}});
  std::string good = read_file(file("f"));
  for (const char* name : {"xxh3.header", "xxh3.tensors"}) good[good.find(name)] = 'y';
  const Random random(1, RandomSite::test);
  int refused = 0;
  for (uint32_t i = 0; i < good.size() * 8; ++i) {
    std::string bad = good;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (i % 8 ? 1 << (i % 8) : 1 + random.below(i, 255)));
    const auto path = file_with(bad, "bad");
    try {
      load_safetensors(path);
    } catch (const Error& e) {
      ++refused;
      EXPECT_TRUE(std::string_view(e.what()).starts_with(path.string())) << e.what();
      EXPECT_EQ(std::string_view(e.what()).find('\n'), std::string_view::npos) << e.what();
    }
  }
  // Every byte of the length and most of the header matter; the elements may be anything.
  EXPECT_GT(refused, 1000);
  EXPECT_LT(refused, static_cast<int>(good.size() * 8));
}

TEST_F(SafetensorsTest, NoTruncationCrashesTheReader) {
  save_safetensors(file("f"), one_of_each());
  const std::string good = read_file(file("f"));
  for (size_t length = 0; length < good.size(); ++length) {
    const auto path = file_with(good.substr(0, length), "bad");
    EXPECT_THROW(load_safetensors(path), Error) << length;
  }
}

struct Malformed {
  std::string what, content, message;
};

std::ostream& operator<<(std::ostream& out, const Malformed& m) { return out << m.what; }

class MalformedSafetensorsTest : public ScratchFolder, public testing::WithParamInterface<Malformed> {};

TEST_P(MalformedSafetensorsTest, IsRefusedWithOneLineThatSaysWhy) {
  const auto path = file_with(GetParam().content);
  EXPECT_EQ(message_of([&] { SafetensorsReader reader(path); }), path.string() + ": " + GetParam().message);
}

std::string tensor_a(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return fmt::format(R"({{"a":{{"dtype":{},"shape":{},"data_offsets":{}}}}})", dtype, shape, offsets);
}

std::string tensors_a_b(const std::string& a_offsets, const std::string& b_offsets) {
  return fmt::format(R"({{"a":{{"dtype":"U8","shape":[4],"data_offsets":{}}},)"
                     R"("b":{{"dtype":"U8","shape":[4],"data_offsets":{}}}}})",
                     a_offsets, b_offsets);
}

std::vector<Malformed> malformed_files() {
  return {
      {"Empty", "", "is not a .safetensors file: 0 bytes are too few for a header"},
      {"ShorterThanItsLength", "1234567", "is not a .safetensors file: 7 bytes are too few for a header"},
      {"HeaderBeyondTheEnd", std::string("\x10\0\0\0\0\0\0\0{}", 10),
       "is truncated or not a .safetensors file: a header of 16 bytes, but 2 bytes follow"},
      {"HugeHeader", std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10),
       "is truncated or not a .safetensors file: a header of 18446744073709551615 bytes, but 2 bytes follow"},
      {"NoHeader", std::string(8, '\0'), "is not a .safetensors file: the header does not begin with '{'"},
      {"NotAnObject", file_of("[]", ""), "is not a .safetensors file: the header does not begin with '{'"},
      {"NotJson", file_of("{\"a\":}", ""), "the header is not valid JSON at byte 6"},
      {"TwoObjects", file_of("{}{}", ""), "the header is not valid JSON at byte 3"},
      {"NotUtf8", file_of("{\"\xff\":1}", ""), "the header is not valid JSON at byte 3"},
      {"NestedTooDeep", file_of(R"({"a":{"shape":[[1]]}})", ""),
       "the header is nested deeper than that of a .safetensors file"},
      {"HugeNumber", file_of(tensor_a("\"U8\"", "[1e999]", "[0,1]"), "1"),
       "the header holds a number that is out of range"},
      {"MetadataNotAnObject", file_of(R"({"__metadata__":[]})", ""), "__metadata__ is not an object"},
      {"MetadataNotText", file_of(R"({"__metadata__":{"k":1}})", ""), "__metadata__ \"k\" is not a string"},
      {"TensorNotAnObject", file_of(R"({"a":[1]})", ""), "tensor \"a\": is described by a JSON array, not an object"},
      {"NameOnSeveralLines", file_of(R"({"a\nb":1})", ""),
       "tensor \"a\\nb\": is described by a JSON number, not an object"},
      {"NoType", file_of(R"({"a":{"shape":[1],"data_offsets":[0,1]}})", "1"), "tensor \"a\": has no dtype"},
      {"TypeNotText", file_of(tensor_a("1", "[1]", "[0,1]"), "1"), "tensor \"a\": has no dtype"},
      {"UnknownType", file_of(tensor_a("\"F8_E4M3\"", "[1]", "[0,1]"), "1"),
       "tensor \"a\": dtype \"F8_E4M3\" is not supported; convert it to F32"},
      {"NoShape", file_of(R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", "1"), "tensor \"a\": has no array shape"},
      {"NegativeExtent", file_of(tensor_a("\"U8\"", "[-1,-1]", "[0,1]"), "1"),
       "tensor \"a\": shape holds -1, not a size"},
      {"FractionalExtent", file_of(tensor_a("\"U8\"", "[1.5]", "[0,1]"), "1"),
       "tensor \"a\": shape holds 1.5, not a size"},
      {"ExtentAsText", file_of(tensor_a("\"U8\"", "[\"1\"]", "[0,1]"), "1"),
       "tensor \"a\": shape holds string, not a size"},
      {"ExtentAbove63Bits", file_of(tensor_a("\"U8\"", "[9223372036854775808]", "[0,1]"), "1"),
       "tensor \"a\": shape holds 9223372036854775808, not a size"},
      {"ProductOverflows", file_of(tensor_a("\"U8\"", "[4294967296,4294967296]", "[0,0]"), ""),
       "tensor \"a\": shape [4294967296, 4294967296] is too large"},
      {"BytesOverflow", file_of(tensor_a("\"F64\"", "[2305843009213693952]", "[0,0]"), ""),
       "tensor \"a\": shape [2305843009213693952] is too large"},
      {"TooManyDimensions", file_of(tensor_a("\"U8\"", "[1,1,1,1,1,1,1]", "[0,1]"), "1"),
       "tensor \"a\": has 7 dimensions, at most 6 are supported"},
      {"NoOffsets", file_of(R"({"a":{"dtype":"U8","shape":[1]}})", "1"), "tensor \"a\": has no array data_offsets"},
      {"OneOffset", file_of(tensor_a("\"U8\"", "[1]", "[0]"), "1"),
       "tensor \"a\": data_offsets [0] are not a begin and an end"},
      {"OffsetsSwapped", file_of(tensor_a("\"U8\"", "[1]", "[1,0]"), "1"),
       "tensor \"a\": data_offsets [1, 0] are not a begin and an end"},
      {"SizeDisagrees", file_of(tensor_a("\"F32\"", "[2,3]", "[0,20]"), std::string(20, '1')),
       "tensor \"a\": F32[2, 3] takes 24 bytes, but data_offsets [0, 20] are 20 apart"},
      {"EndsBeyondTheFile", file_of(tensor_a("\"F32\"", "[2]", "[0,8]"), "1234567"),
       "tensor \"a\" ends at byte 8 of the data, but the file holds 7: it is truncated"},
      {"BytesLeftOver", file_of(tensor_a("\"F32\"", "[2]", "[0,8]"), "123456789"),
       "1 bytes after the last tensor belong to none"},
      {"Overlap", file_of(tensors_a_b("[0,4]", "[3,7]"), "1234567"),
       "tensor \"b\" begins at byte 3 of the data, inside the one before, which ends at 4"},
      {"SameBytesTwice", file_of(tensors_a_b("[0,4]", "[0,4]"), "1234"),
       "tensor \"b\" begins at byte 0 of the data, inside the one before, which ends at 4"},
      {"Gap", file_of(tensors_a_b("[0,4]", "[5,9]"), "123456789"),
       "tensor \"b\" begins at byte 5 of the data, but the one before ends at 4: a gap"},
      {"GapBeforeTheFirst", file_of(tensor_a("\"U8\"", "[1]", "[1,2]"), "12"),
       "tensor \"a\" begins at byte 1 of the data, but the one before ends at 0: a gap"},
      {"NameTwice",
       file_of(
           R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
           ""),
       "\"a\" occurs twice in the header"},
      {"FieldTwice", file_of(R"({"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}})", ""),
       "\"dtype\" occurs twice in the header"},
  };
}

INSTANTIATE_TEST_SUITE_P(All, MalformedSafetensorsTest, ValuesIn(malformed_files()),
                         [](const auto& instance) { return instance.param.what; });

}  // namespace
}  // namespace minissl
