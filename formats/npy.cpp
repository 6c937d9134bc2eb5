#include "formats/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/input_file.h"

namespace minissl {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are not swapped");

constexpr std::string_view magic = "\x93NUMPY";
constexpr size_t alignment = 64;  // of the elements in the file, required by the format

struct ElementType {
  std::string_view descr;
  DType dtype;
};
constexpr std::array element_types = {ElementType{"<f4", DType::f32}, ElementType{"<f8", DType::f64},
                                      ElementType{"<i8", DType::i64}, ElementType{"|u1", DType::u8}};

/// The header is a Python dictionary with the keys descr, fortran_order and shape.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  struct Header {
    DType dtype = DType::f32;
    std::vector<int64_t> shape;
  };

  Header parse() {
    Header header;
    bool has_descr = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string_view key = parse_string();
      expect(':');
      if (key == "descr" && !std::exchange(has_descr, true))
        header.dtype = parse_dtype();
      else if (key == "fortran_order" && !std::exchange(has_order, true))
        parse_order();
      else if (key == "shape" && !std::exchange(has_shape, true))
        header.shape = parse_shape();
      else
        malformed();
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!text_.empty() || !has_descr || !has_order || !has_shape) malformed();
    return header;
  }

 private:
  [[noreturn]] void malformed() const { fail("{}: the .npy header is malformed", where_); }

  void skip_space() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t\n"), text_.size())); }

  bool accept(char c) {
    skip_space();
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!accept(c)) malformed();
  }

  std::string_view parse_string() {
    const char mark = accept('\'') ? '\'' : '"';
    if (mark == '"') expect('"');
    const size_t end = text_.find(mark);
    if (end == std::string_view::npos) malformed();
    const std::string_view content = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return content;
  }

  DType parse_dtype() {
    if (accept('[')) fail("{}: structured arrays are not supported; save one plain array", where_);
    const std::string_view descr = parse_string();
    const auto* it =
        std::find_if(element_types.begin(), element_types.end(), [&](const auto& t) { return t.descr == descr; });
    require(it != element_types.end(),
            "{}: this element type is not supported; convert the array to float32, float64, int64 or uint8", where_);
    return it->dtype;
  }

  void parse_order() {
    skip_space();
    require(!text_.starts_with("True"), "{}: is in Fortran order; save numpy.ascontiguousarray of it", where_);
    constexpr std::string_view c_order = "False";
    if (!text_.starts_with(c_order)) malformed();
    text_.remove_prefix(c_order.size());
  }

  std::vector<int64_t> parse_shape() {
    std::vector<int64_t> shape;
    expect('(');
    while (!accept(')')) {
      skip_space();
      int64_t extent = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), extent);
      if (error != std::errc() || extent < 0) malformed();
      shape.push_back(extent);
      text_.remove_prefix(static_cast<size_t>(end - text_.data()));
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }

  std::string_view text_;
  const std::string& where_;
};

struct Preamble {
  std::string header;
  int64_t data_begin = 0;
};

Preamble read_preamble(const InputFile& file, const std::string& where) {
  std::array<unsigned char, 12> start{};
  require(file.size() >= static_cast<int64_t>(start.size()), "{}: is not a .npy file: only {} bytes", where,
          file.size());
  file.read_at(0, start.data(), start.size());
  require(std::equal(magic.begin(), magic.end(), start.begin(),
                     [](char a, unsigned char b) { return static_cast<unsigned char>(a) == b; }),
          "{}: is not a .npy file", where);
  const int version = start[6];
  require(version >= 1 && version <= 3, "{}: .npy version {} is not supported", where, version);
  // Version 1 stores the header's length in two bytes, later versions in four.
  const int64_t length_bytes = version == 1 ? 2 : 4;
  int64_t length = 0;
  for (int64_t i = length_bytes; i-- > 0;) length = length << 8 | start[static_cast<size_t>(8 + i)];
  const int64_t begin = 8 + length_bytes;
  require(length <= file.size() - begin, "{}: is truncated: a header of {} bytes, but {} follow", where, length,
          file.size() - begin);
  Preamble preamble{std::string(static_cast<size_t>(length), '\0'), begin + length};
  file.read_at(begin, preamble.header.data(), preamble.header.size());
  return preamble;
}

// All bytes before the elements, `at_least` so many. `shape` is as NumPy writes it: (), (3,), (3, 4).
std::string preamble_of(const ElementType& type, const std::string& shape, size_t at_least = 0) {
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", type.descr, shape);
  const size_t before = magic.size() + 4, least = std::max(before + header.size() + 2, at_least);
  header.append((least + alignment - 1) / alignment * alignment - before - header.size() - 1, ' ');
  header += '\n';
  const auto length = static_cast<uint16_t>(header.size());
  std::string all(magic);
  all += {'\x01', '\0', static_cast<char>(length & 255), static_cast<char>(length >> 8)};
  return all + header;
}

// Rows are counted while they are written: always as long as for the largest number of them.
std::string preamble_of_rows(int64_t rows, int64_t columns) {
  const auto with = [&](int64_t count, size_t at_least) {
    return preamble_of(element_types.front(), fmt::format("({}, {})", count, columns), at_least);
  };
  return with(rows, with(std::numeric_limits<int64_t>::max(), 0).size());
}

}  // namespace

void save_npy(const std::filesystem::path& path, const Tensor& tensor) {
  require(tensor.defined() && tensor.device().type == DeviceType::cpu, "{}: can't write: the tensor is not on the CPU",
          path.string());
  const auto* type = std::find_if(element_types.begin(), element_types.end(),
                                  [&](const auto& t) { return t.dtype == tensor.dtype(); });
  require(type != element_types.end(), "{}: can't write {}: .npy has no such type; convert it to f32", path.string(),
          tensor);
  AtomicFile file(path);
  file.write(preamble_of(*type, fmt::format("({}{})", fmt::join(tensor.shape(), ", "), tensor.rank() == 1 ? "," : "")));
  file.write(tensor.bytes_begin(), static_cast<size_t>(tensor.bytes()));
  file.commit();
}

void NpyRows::append(const Tensor& rows) {
  require(rows.rank() == 2 && rows.dtype() == DType::f32 && rows.device().type == DeviceType::cpu,
          "rows are f32 (N, D) on the CPU, not {}", rows);
  if (columns_ < 0) {
    columns_ = rows.dim(1);
    file_.write(preamble_of_rows(0, columns_));
  }
  require(rows.dim(1) == columns_, "rows of {} numbers can't follow rows of {}", rows.dim(1), columns_);
  file_.write(rows.bytes_begin(), static_cast<size_t>(rows.bytes()));
  rows_ += rows.dim(0);
}

void NpyRows::commit() {
  require(columns_ >= 0, "there are no rows to write");
  file_.overwrite(0, preamble_of_rows(rows_, columns_));
  file_.commit();
}

Tensor load_npy(const std::filesystem::path& path) {
  const InputFile file(path);
  const std::string where = path.string();
  const Preamble preamble = read_preamble(file, where);
  const HeaderParser::Header header = HeaderParser(preamble.header, where).parse();
  require(header.shape.size() <= Shape::max_rank, "{}: has {} dimensions, at most {} are supported", where,
          header.shape.size(), Shape::max_rank);
  int64_t bytes = size_of(header.dtype);
  for (const int64_t extent : header.shape)
    require(!__builtin_mul_overflow(bytes, extent, &bytes), "{}: shape ({}) is too large", where,
            fmt::join(header.shape, ", "));
  const int64_t behind = file.size() - preamble.data_begin;
  require(bytes == behind, "{}: shape ({}) takes {} bytes, but the file holds {}: it is truncated or damaged", where,
          fmt::join(header.shape, ", "), bytes, behind);
  Tensor tensor = Tensor::empty(Shape(header.shape.begin(), header.shape.end()), header.dtype);
  file.read_at(preamble.data_begin, tensor.bytes_begin(), static_cast<size_t>(bytes));
  return tensor;
}

}  // namespace minissl
