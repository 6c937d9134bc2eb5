#include "data/sources/pack_format.h"

#include <bit>
#include <cstring>

#include "data/decode/decode.h"
#include "tensor/checksum.h"

static_assert(std::endian::native == std::endian::little, "packs are written as the machine has its numbers");

namespace minissl {
namespace {

constexpr int64_t longest_index = int64_t{1} << 30;  // of a header, a block or the table

template <class T>
void append(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void append(std::string& to, const std::string& text) {
  append(to, static_cast<uint32_t>(text.size()));
  to += text;
}

// Reads values from the front of a text. Throws Error if it ends too soon.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : left_(text) {}

  template <class T>
  T take() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string take_text() { return std::string(take(take<uint32_t>())); }
  bool empty() const { return left_.empty(); }

 private:
  std::string_view take(uint64_t bytes) {
    require(bytes <= left_.size(), "its index is cut off");
    const std::string_view taken = left_.substr(0, bytes);
    left_.remove_prefix(bytes);
    return taken;
  }

  std::string_view left_;
};

std::string read_text(const ReadPack& read, int64_t begin, uint64_t bytes, int64_t size) {
  require(begin <= size && bytes <= static_cast<uint64_t>(size - begin) && bytes <= longest_index, "it is cut off");
  std::string text(bytes, '\0');
  read(begin, text.data(), bytes);
  return text;
}

template <class T>
T read_value(const ReadPack& read, int64_t begin, int64_t size) {
  T value{};
  require(begin >= 0 && begin <= size - static_cast<int64_t>(sizeof value), "it is cut off");
  read(begin, &value, sizeof value);
  return value;
}

uint64_t checksum_of(BlockHeader header, std::string_view index) {
  header.checksum = 0;
  Checksum sum;
  sum.add(&header, sizeof header);
  sum.add(index.data(), index.size());
  return sum.value();
}

void check(const SampleRecord& s, size_t classes) {
  const bool encoded = s.type == SampleType::encoded;
  require(s.type <= SampleType::encoded, "it has a sample of an unknown type");
  require(s.height > 0 && s.width > 0 && s.width <= max_image_pixels / s.height && (s.channels == 1 || s.channels == 3),
          "it has a sample of an impossible shape");
  const int64_t pixels = int64_t{s.height} * s.width * s.channels;
  const int64_t bytes = s.type == SampleType::f32 ? pixels * static_cast<int64_t>(sizeof(float)) : pixels;
  require(encoded ? s.bytes > 0 && s.bytes <= max_image_file_bytes : s.bytes == bytes,
          "it has a sample of an impossible size");
  require(s.label >= -1 && s.label < static_cast<int64_t>(classes), "it has a sample of an unknown class");
}

struct Footer {
  uint64_t table, blocks, images, checksum;
};

uint64_t checksum_of(Footer footer, std::string_view table) {
  footer.checksum = 0;
  Checksum sum;
  sum.add(table.data(), table.size());
  sum.add(&footer, sizeof footer);
  return sum.value();
}

}  // namespace

std::string PackHeader::encoded() const {
  std::string text;
  append(text, origin);
  for (const auto* names : {&class_names, &label_names}) {
    append(text, static_cast<uint32_t>(names->size()));
    for (const std::string& name : *names) append(text, name);
  }
  std::string result(pack_magic);
  append(result, static_cast<uint64_t>(text.size()));
  append(result, checksum(text.data(), text.size()));
  return result + text;
}

int64_t read_pack_header(const ReadPack& read, int64_t size, PackHeader& header) {
  const auto at = static_cast<int64_t>(pack_magic.size());
  const std::string magic = read_text(read, 0, pack_magic.size(), size);
  require(magic == pack_magic, "it is no pack of this version");
  const auto bytes = read_value<uint64_t>(read, at, size);
  const auto sum = read_value<uint64_t>(read, at + 8, size);
  const std::string text = read_text(read, at + 16, bytes, size);
  require(checksum(text.data(), text.size()) == sum, "the checksum of its header differs");
  Cursor fields(text);
  header.origin = fields.take_text();
  for (auto* names : {&header.class_names, &header.label_names}) {
    names->clear();
    const auto count = fields.take<uint32_t>();
    for (uint32_t i = 0; i < count; ++i) names->push_back(fields.take_text());
  }
  return aligned(at + 16 + static_cast<int64_t>(bytes));
}

PackBlock PackBlock::read(const ReadPack& read, int64_t begin, int64_t size, const PackHeader& pack) {
  const auto header = read_value<BlockHeader>(read, begin, size);
  require(header.magic == BlockHeader::expected_magic, "there is no block at byte {}", begin);
  const int64_t index_begin = begin + static_cast<int64_t>(sizeof header);
  const std::string text = read_text(read, index_begin, header.index_bytes, size);
  require(checksum_of(header, text) == header.checksum, "the checksum of the index at byte {} differs", begin);
  PackBlock block;
  block.source_end = static_cast<int64_t>(header.source_end);
  int64_t at = aligned(index_begin + static_cast<int64_t>(text.size()));
  block.data_begin = at;
  block.data_checksum = header.data_checksum;
  Cursor index(text);
  while (!index.empty()) {
    SampleRecord s;
    s.bytes = static_cast<int64_t>(index.take<uint64_t>());
    s.checksum = index.take<uint64_t>();
    s.height = index.take<uint32_t>();
    s.width = index.take<uint32_t>();
    s.label = index.take<int32_t>();
    s.channels = index.take<uint8_t>();
    s.type = static_cast<SampleType>(index.take<uint8_t>());
    s.name = index.take_text();
    s.patient = index.take_text();
    for (size_t l = 0; l < pack.label_names.size(); ++l) {
      s.labels.push_back(static_cast<Label>(index.take<int8_t>()));
      require(s.labels.back() >= Label::unknown && s.labels.back() <= Label::yes, "it has a label of an unknown value");
    }
    check(s, pack.class_names.size());
    require(s.bytes <= size - at, "its samples are cut off");
    s.begin = at;
    at = aligned(at + s.bytes);
    block.samples.push_back(std::move(s));
  }
  require(block.samples.size() == header.images && at - block.data_begin == static_cast<int64_t>(header.data_bytes),
          "the index at byte {} contradicts itself", begin);
  block.end = at;
  return block;
}

std::string PackBlock::encode(const std::vector<SampleRecord>& samples, std::string_view data, int64_t source_end,
                              int64_t begin) {
  std::string index;
  for (const SampleRecord& s : samples) {
    append(index, static_cast<uint64_t>(s.bytes));
    append(index, s.checksum);
    append(index, s.height);
    append(index, s.width);
    append(index, s.label);
    append(index, s.channels);
    append(index, static_cast<uint8_t>(s.type));
    append(index, s.name);
    append(index, s.patient);
    for (const Label label : s.labels) append(index, static_cast<int8_t>(label));
  }
  BlockHeader header{BlockHeader::expected_magic,
                     samples.size(),
                     static_cast<uint64_t>(source_end),
                     index.size(),
                     data.size(),
                     checksum(data.data(), data.size()),
                     0};
  header.checksum = checksum_of(header, index);
  std::string result(reinterpret_cast<const char*>(&header), sizeof header);
  result += index;
  const int64_t data_begin = aligned(begin + static_cast<int64_t>(result.size()));
  result.resize(static_cast<size_t>(data_begin - begin), '\0');
  return result;
}

PackTable PackTable::read(const ReadPack& read, int64_t first_block, int64_t size) {
  const int64_t end_begin = size - static_cast<int64_t>(pack_end.size());
  const int64_t footer_begin = end_begin - static_cast<int64_t>(sizeof(Footer));
  require(footer_begin >= first_block, "it is cut off");
  require(read_text(read, end_begin, pack_end.size(), size) == pack_end, "its end is missing");
  const auto footer = read_value<Footer>(read, footer_begin, size);
  PackTable table;
  require(footer.table <= static_cast<uint64_t>(footer_begin) &&
              footer.blocks == (static_cast<uint64_t>(footer_begin) - footer.table) / sizeof(Entry) &&
              footer.blocks > 0 && footer.images > 0,
          "its table is elsewhere");
  const std::string text =
      read_text(read, static_cast<int64_t>(footer.table), footer.blocks * sizeof(Entry), footer_begin);
  require(checksum_of(footer, text) == footer.checksum, "the checksum of its table differs");
  table.blocks.resize(footer.blocks);
  std::memcpy(table.blocks.data(), text.data(), text.size());
  table.images = static_cast<int64_t>(footer.images);
  return table;
}

std::string PackTable::encode(int64_t begin) const {
  std::string text(reinterpret_cast<const char*>(blocks.data()), blocks.size() * sizeof(Entry));
  Footer footer{static_cast<uint64_t>(begin), blocks.size(), static_cast<uint64_t>(images), 0};
  footer.checksum = checksum_of(footer, text);
  text.append(reinterpret_cast<const char*>(&footer), sizeof footer);
  text += pack_end;
  return text;
}

}  // namespace minissl
