#include "data/pack.h"

#include <bit>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <string_view>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/decode.h"

static_assert(std::endian::native == std::endian::little, "packs are written as the machine has its numbers");

namespace minissl {
namespace {

constexpr std::string_view magic = "minissl pack 1\n\n", end_magic = "minissl\n";
constexpr uint64_t alignment = 64;  // of an image

struct Footer {
  uint64_t index_begin, index_bytes, images;
  char magic[8];
};
static_assert(sizeof(Footer) == 32);

template <class T>
void append(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void append(std::string& to, const std::string& text) {
  append(to, static_cast<uint32_t>(text.size()));
  to += text;
}

// Reads values from the front of the index. Throws Error if it ends too soon.
class Cursor {
 public:
  Cursor(const std::byte* begin, uint64_t bytes) : at_(begin), left_(bytes) {}

  template <class T>
  T take() {
    T value;
    std::memcpy(&value, advance(sizeof value), sizeof value);
    return value;
  }
  std::string take_text() {
    const auto length = take<uint32_t>();
    return {reinterpret_cast<const char*>(advance(length)), length};
  }

 private:
  const std::byte* advance(uint64_t bytes) {
    require(bytes <= left_, "its index is cut off");
    left_ -= bytes;
    return std::exchange(at_, at_ + bytes);
  }

  const std::byte* at_;
  uint64_t left_;
};

}  // namespace

bool is_pack(const std::filesystem::path& path) {
  char begin[magic.size()] = {};
  std::ifstream(path, std::ios::binary).read(begin, sizeof begin);
  return std::string_view(begin, sizeof begin) == magic;
}

PackFile::PackFile(const std::filesystem::path& path, int channels) : path_(path), channels_(channels) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  require(descriptor >= 0, "{}: {}", path.string(), std::strerror(errno));
  struct stat status {};
  fstat(descriptor, &status);
  bytes_ = static_cast<size_t>(status.st_size);
  void* memory = mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, descriptor, 0);
  const int error = errno;
  close(descriptor);
  require(memory != MAP_FAILED, "{}: {}", path.string(), std::strerror(error));
  begin_ = static_cast<const std::byte*>(memory);
  try {
    read_index();
  } catch (const Error& e) {
    munmap(memory, bytes_);
    fail("{}: not a whole pack: {}; make it again with minissl data pack", path.string(), e.what());
  }
}

PackFile::~PackFile() { munmap(const_cast<std::byte*>(begin_), bytes_); }

void PackFile::read_index() {
  Footer footer{};
  require(bytes_ >= magic.size() + sizeof footer, "it is too short");
  std::memcpy(&footer, begin_ + bytes_ - sizeof footer, sizeof footer);
  require(std::string_view(footer.magic, sizeof footer.magic) == end_magic, "its end is missing");
  const uint64_t end = bytes_ - sizeof footer;
  require(footer.index_begin <= end && footer.index_bytes == end - footer.index_begin, "its index is elsewhere");
  Cursor index(begin_ + footer.index_begin, footer.index_bytes);
  const auto classes = index.take<uint32_t>();
  for (uint32_t c = 0; c < classes; ++c) class_names_.push_back(index.take_text());
  require(footer.images > 0, "there are no images in it");
  for (uint64_t i = 0; i < footer.images; ++i) {
    const auto at = index.take<uint64_t>();
    Entry e{};
    e.height = index.take<uint32_t>();
    e.width = index.take<uint32_t>();
    e.channels = index.take<uint8_t>();
    const auto type = index.take<uint8_t>();
    e.label = index.take<int32_t>();
    e.name = index.take_text();
    require(type <= 1, "image {} is of an unknown type", i);
    e.type = type == 0 ? DType::u8 : DType::f32;
    require(
        e.height > 0 && e.width > 0 && e.width <= max_image_pixels / e.height && (e.channels == 1 || e.channels == 3),
        "image {} has an impossible shape", i);
    const auto bytes = static_cast<uint64_t>(e.height * e.width * e.channels * size_of(e.type));
    require(at % alignment == 0 && bytes <= footer.index_begin && at <= footer.index_begin - bytes,
            "image {} lies outside of it", i);
    require(e.label >= -1 && e.label < static_cast<int64_t>(classes), "image {} has an unknown class", i);
    e.pixels = begin_ + at;
    entries_.push_back(std::move(e));
  }
}

Image PackFile::load(int64_t i) const {
  const Entry& e = entries_[static_cast<size_t>(i)];
  const TagScope tag(MemoryTag::data);
  Image image{Tensor::empty({e.height, e.width, e.channels}, e.type)};
  std::memcpy(image.pixels.bytes_begin(), e.pixels, static_cast<size_t>(image.pixels.bytes()));
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
  write(image.pixels.bytes_begin(), static_cast<size_t>(image.pixels.bytes()));
  ++images_;
}

void PackWriter::commit() {
  Footer footer{written_, index_.size(), images_, {}};
  std::memcpy(footer.magic, end_magic.data(), end_magic.size());
  write(index_.data(), index_.size());
  write(&footer, sizeof footer);
  file_.commit();
}

}  // namespace minissl
