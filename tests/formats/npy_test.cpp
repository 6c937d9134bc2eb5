#include "formats/npy.h"

#include "scratch_folder.h"
#include "tensor/atomic_file.h"
#include "tensor/random.h"

namespace minissl {
namespace {

std::string with_header(const std::string& header, const std::string& data, int version = 1) {
  std::string content("\x93NUMPY", 6);
  content +=
      {static_cast<char>(version), 0, static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  if (version > 1) content += std::string(2, '\0');
  return content + header + data;
}

class NpyTest : public ScratchFolder {};

TEST_F(NpyTest, RoundTripKeepsTypeShapeAndValues) {
  for (const Tensor& t :
       {Tensor::from<float>({2, 3}, {1, -2, 0.5f, -0.0f, 1e30f, 1e-42f}), Tensor::from<double>({2}, {1.0 / 3, -1e300}),
        Tensor::from<int64_t>({1, 2, 1}, {INT64_MIN, 7}), Tensor::from<uint8_t>({3}, {0, 127, 255}),
        Tensor::from<float>({}, {42}), Tensor::zeros({3, 0})}) {
    save_npy(file("t.npy"), t);
    const Tensor loaded = load_npy(file("t.npy"));
    EXPECT_EQ(loaded.str(), t.str());
    EXPECT_EQ(loaded.to_vector(), t.to_vector());
  }
}

TEST_F(NpyTest, WritesTheBytesThatNumPyWrites) {
  // Output of numpy.save for these arrays, with headers as NumPy 1.24 writes them.
  save_npy(file("t.npy"), Tensor::from<float>({1, 2}, {1, 2}));
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";
  header += std::string(117 - header.size(), ' ') + '\n';
  EXPECT_EQ(read_file(file("t.npy")), with_header(header, std::string("\0\0\x80\x3f\0\0\0\x40", 8)));
  save_npy(file("t.npy"), Tensor::from<int64_t>({1}, {1}));
  EXPECT_NE(read_file(file("t.npy")).find("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), } "),
            std::string::npos);
  save_npy(file("t.npy"), Tensor::from<double>({}, {1}));
  EXPECT_NE(read_file(file("t.npy")).find("{'descr': '<f8', 'fortran_order': False, 'shape': (), } "),
            std::string::npos);
}

TEST_F(NpyTest, RowsAreWrittenAsTheyCome) {
  {
    NpyRows rows(file("t.npy"));
    EXPECT_THROW(rows.append(Tensor::zeros({3})), Error);
    rows.append(Tensor::from<float>({2, 2}, {1, 2, 3, 4}));
    EXPECT_THROW(rows.append(Tensor::zeros({1, 3})), Error);
    for (float i = 0; i < 10; ++i) rows.append(Tensor::from<float>({1, 2}, {i, -i}));
    EXPECT_EQ(rows.rows(), 12);
    EXPECT_EQ(rows.columns(), 2);
    EXPECT_FALSE(std::filesystem::exists(file("t.npy")));
    rows.commit();
  }
  const Tensor loaded = load_npy(file("t.npy"));
  EXPECT_EQ(loaded.shape(), (Shape{12, 2}));
  EXPECT_EQ(loaded.at(3), 4);
  EXPECT_EQ(loaded.at(23), -9);
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (12, 2), }";
  header += std::string(117 - header.size(), ' ') + '\n';
  EXPECT_TRUE(read_file(file("t.npy")).starts_with(with_header(header, ""))) << "as NumPy writes it";
  { NpyRows unfinished(file("u.npy")); }
  EXPECT_FALSE(std::filesystem::exists(file("u.npy")));
}

TEST_F(NpyTest, ReadsOtherSpellingsAndVersions) {
  const std::string header = "{ \"shape\":(2 ,),\"fortran_order\": False,\n\"descr\":'|u1'}";
  for (const int version : {1, 2, 3})
    EXPECT_EQ(load_npy(file_with(with_header(header, "ab", version))).to_vector(), (std::vector<double>{'a', 'b'}));
}

TEST_F(NpyTest, RefusesToWriteWhatTheFormatLacks) {
  EXPECT_EQ(message_of([&] { save_npy(file("t.npy"), Tensor::zeros({2}, DType::bf16)); }),
            file("t.npy").string() + ": can't write bf16[2]: .npy has no such type; convert it to f32");
  EXPECT_THROW(save_npy(file("t.npy"), Tensor()), Error);
  EXPECT_FALSE(std::filesystem::exists(file("t.npy")));
}

TEST_F(NpyTest, RefusesMalformedFilesWithOneLineThatSaysWhy) {
  const auto refusal = [&](const std::string& content) {
    const auto path = file_with(content);
    const std::string message = message_of([&] { load_npy(path); });
    EXPECT_TRUE(message.starts_with(path.string() + ": "));
    return message.substr(std::min(message.size(), path.string().size() + 2));
  };
  const std::string malformed = "the .npy header is malformed";
  EXPECT_EQ(refusal(""), "is not a .npy file: only 0 bytes");
  EXPECT_EQ(refusal("something else"), "is not a .npy file");
  EXPECT_EQ(refusal(with_header("{}", "12", 4)), ".npy version 4 is not supported");
  EXPECT_EQ(refusal(with_header("{}", "12")), malformed);
  EXPECT_EQ(refusal(with_header("{'shape': (1,), 'shape': (1,), 'descr': '|u1', 'fortran_order': False}", "1")),
            malformed);
  EXPECT_EQ(refusal(with_header("{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}", "1")), malformed);
  EXPECT_EQ(refusal(with_header("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}", "1")),
            malformed);
  EXPECT_EQ(refusal(with_header("{'descr': '|u1', 'fortran_order': Fal", "1")), malformed);
  EXPECT_EQ(refusal(with_header("{'descr': '|u1", "1")), malformed);
  EXPECT_EQ(refusal(with_header("{'descr': '|u1', 'fortran_order': True, 'shape': (1,)}", "1")),
            "is in Fortran order; save numpy.ascontiguousarray of it");
  EXPECT_EQ(refusal(with_header("{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", "1234")),
            "this element type is not supported; convert the array to float32, float64, int64 or uint8");
  EXPECT_EQ(refusal(with_header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "1234")),
            "structured arrays are not supported; save one plain array");
  EXPECT_EQ(refusal(with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1)}", "1234")),
            "has 7 dimensions, at most 6 are supported");
  EXPECT_EQ(refusal(with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "")),
            "shape (4294967296, 4294967296) is too large");
  EXPECT_EQ(refusal(with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "1234")),
            "shape (2) takes 8 bytes, but the file holds 4: it is truncated or damaged");
  EXPECT_EQ(refusal(std::string("\x93NUMPY\x01\0\xff\0{}", 12)), "is truncated: a header of 255 bytes, but 2 follow");
}

TEST_F(NpyTest, NoSingleFlippedByteCrashesTheReader) {
  save_npy(file("t.npy"), Tensor::zeros({2, 3}));
  const std::string good = read_file(file("t.npy"));
  const Random random(2, RandomSite::test);
  int refused = 0;
  for (uint32_t i = 0; i < good.size() * 8; ++i) {
    std::string bad = good;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (i % 8 ? 1 << (i % 8) : 1 + random.below(i, 255)));
    try {
      load_npy(file_with(bad, "bad"));
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace minissl
