#include "data/sources/pack.h"

#include <bit>
#include <cstring>
#include <fstream>
#include <string_view>

#include "data/decode/decode.h"
#include "tensor/checksum.h"

static_assert(std::endian::native == std::endian::little, "packs are written as the machine has its numbers");

namespace minissl {
namespace {

constexpr std::string_view magic = "minissl pack 2\n\n", magic_without_checksums = "minissl pack 1\n\n";
constexpr std::string_view end_magic = "minissl\n";
constexpr uint64_t alignment = 64;  // of an image

struct IndexPlace {
  uint64_t begin, bytes, images;
};

uint64_t checksum_of_index(const std::string& index, const IndexPlace& place) {
  Checksum sum;
  sum.add(index.data(), index.size());
  sum.add(&place, sizeof place);
  return sum.value();
}

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

 private:
  std::string_view take(uint64_t bytes) {
    require(bytes <= left_.size(), "its index is cut off");
    const std::string_view taken = left_.substr(0, bytes);
    left_.remove_prefix(bytes);
    return taken;
  }

  std::string_view left_;
};

// The first bytes of a file; fewer if it is shorter.
std::string begin_of(const std::filesystem::path& path) {
  std::string begin(magic.size(), '\0');
  if (!std::filesystem::is_regular_file(path)) return {};
  std::ifstream(path, std::ios::binary).read(begin.data(), static_cast<std::streamsize>(begin.size()));
  return begin;
}

}  // namespace

bool is_pack(const std::filesystem::path& path) {
  const std::string begin = begin_of(path);
  return begin == magic || begin == magic_without_checksums;
}

PackFile::PackFile(const std::filesystem::path& path, int channels) : file_(path), channels_(channels) {
  try {
    read_index();
  } catch (const Error& e) {
    fail("{}: not a whole pack: {}; make it again with minissl data pack", path.string(), e.what());
  }
}

void PackFile::read_index() {
  const bool checked = begin_of(file_.path()) == magic;
  const auto size = static_cast<uint64_t>(file_.size());
  const uint64_t footer_bytes = sizeof(IndexPlace) + (checked ? sizeof(uint64_t) : 0) + end_magic.size();
  require(size >= magic.size() + footer_bytes, "it is too short");
  const uint64_t footer_begin = size - footer_bytes;
  const auto read = [this](uint64_t begin, uint64_t bytes) {
    std::string text(bytes, '\0');
    file_.read_at(static_cast<int64_t>(begin), text.data(), bytes);
    return text;
  };
  const std::string footer = read(footer_begin, footer_bytes);
  require(footer.ends_with(end_magic), "its end is missing");
  Cursor numbers(footer);
  const auto place = numbers.take<IndexPlace>();
  require(place.begin <= footer_begin && place.bytes == footer_begin - place.begin, "its index is elsewhere");
  const std::string text = read(place.begin, place.bytes);
  require(!checked || numbers.take<uint64_t>() == checksum_of_index(text, place), "the checksum of its index differs");

  Cursor index(text);
  const auto classes = index.take<uint32_t>();
  for (uint32_t c = 0; c < classes; ++c) class_names_.push_back(index.take_text());
  require(place.images > 0, "there are no images in it");
  for (uint64_t i = 0; i < place.images; ++i) {
    const auto at = index.take<uint64_t>();
    Entry e{};
    e.height = index.take<uint32_t>();
    e.width = index.take<uint32_t>();
    e.channels = index.take<uint8_t>();
    const auto type = index.take<uint8_t>();
    e.label = index.take<int32_t>();
    e.name = index.take_text();
    if (checked) e.checksum = index.take<uint64_t>();
    require(type <= 1, "image {} is of an unknown type", i);
    e.type = type == 0 ? DType::u8 : DType::f32;
    require(
        e.height > 0 && e.width > 0 && e.width <= max_image_pixels / e.height && (e.channels == 1 || e.channels == 3),
        "image {} has an impossible shape", i);
    const auto bytes = static_cast<uint64_t>(e.height * e.width * e.channels * size_of(e.type));
    require(at % alignment == 0 && bytes <= place.begin && at <= place.begin - bytes, "image {} lies outside of it", i);
    require(e.label >= -1 && e.label < static_cast<int64_t>(classes), "image {} has an unknown class", i);
    e.begin = static_cast<int64_t>(at);
    entries_.push_back(std::move(e));
  }
}

Image PackFile::load(int64_t i) const {
  const Entry& e = entries_[static_cast<size_t>(i)];
  const TagScope tag(MemoryTag::data);
  Image image{Tensor::empty({e.height, e.width, e.channels}, e.type)};
  std::byte* pixels = image.pixels.bytes_begin();
  const auto bytes = static_cast<size_t>(image.pixels.bytes());
  try {
    file_.read_at(e.begin, pixels, bytes);
  } catch (const Error& reason) {
    throw ImageError(e.name, reason.what());
  }
  if (e.checksum && *e.checksum != checksum(pixels, bytes))
    throw ImageError(e.name, fmt::format("{}: its checksum differs: the pack is damaged there; make it again with "
                                         "minissl data pack",
                                         file_.path().string()));
  return with_channels(image, channels_);
}

PackWriter::PackWriter(const std::filesystem::path& path, const std::vector<std::string>& class_names) : file_(path) {
  write(magic.data(), magic.size());
  append(index_, static_cast<uint32_t>(class_names.size()));
  for (const std::string& name : class_names) append(index_, name);
}

void PackWriter::write(const void* bytes, size_t count) {
  file_.write(bytes, count);
  written_ += count;
}

void PackWriter::add(const Image& image, int64_t label, const std::string& name) {
  static constexpr char zeros[alignment] = {};
  write(zeros, (alignment - written_ % alignment) % alignment);
  append(index_, written_);
  append(index_, static_cast<uint32_t>(image.height()));
  append(index_, static_cast<uint32_t>(image.width()));
  append(index_, static_cast<uint8_t>(image.channels()));
  append(index_, static_cast<uint8_t>(image.pixels.dtype() == DType::u8 ? 0 : 1));
  append(index_, static_cast<int32_t>(label));
  append(index_, name);
  const auto bytes = static_cast<size_t>(image.pixels.bytes());
  append(index_, checksum(image.pixels.bytes_begin(), bytes));
  write(image.pixels.bytes_begin(), bytes);
  ++images_;
}

void PackWriter::commit() {
  const IndexPlace place{written_, index_.size(), images_};
  const uint64_t sum = checksum_of_index(index_, place);
  write(index_.data(), index_.size());
  write(&place, sizeof place);
  write(&sum, sizeof sum);
  write(end_magic.data(), end_magic.size());
  file_.commit();
}

}  // namespace minissl
