#include "data/sources/pack.h"

#include <algorithm>
#include <fstream>

#include "data/decode/decode.h"
#include "tensor/checksum.h"

namespace minissl {

bool is_pack(const std::filesystem::path& path) {
  constexpr std::string_view any_version = "minissl pack ";
  std::string begin(any_version.size(), '\0');
  if (!std::filesystem::is_regular_file(path)) return false;
  std::ifstream(path, std::ios::binary).read(begin.data(), static_cast<std::streamsize>(begin.size()));
  return begin == any_version;
}

PackFile::PackFile(const std::filesystem::path& path, int channels)
    : file_(path),
      read_([this](int64_t offset, void* bytes, size_t count) { file_.read_at(offset, bytes, count); }),
      channels_(channels) {
  try {
    table_ = PackTable::read(read_, read_pack_header(read_, file_.size(), header_), file_.size());
  } catch (const Error& e) {
    fail("{}: not a whole pack: {}; make it again with minissl data pack", path.string(), e.what());
  }
  read_once_ = std::vector<std::once_flag>(table_.blocks.size());
  blocks_.resize(table_.blocks.size());
}

const SampleRecord& PackFile::record(int64_t i) const {
  const auto after = std::upper_bound(table_.blocks.begin(), table_.blocks.end(), static_cast<uint64_t>(i),
                                      [](uint64_t image, const auto& block) { return image < block.first_image; });
  const auto at = static_cast<size_t>(after - table_.blocks.begin()) - 1;
  const auto first = static_cast<int64_t>(table_.blocks[at].first_image);
  try {
    std::call_once(read_once_[at], [&] {
      PackBlock block = PackBlock::read(read_, static_cast<int64_t>(table_.blocks[at].begin), file_.size(), header_);
      const auto end =
          at + 1 < table_.blocks.size() ? static_cast<int64_t>(table_.blocks[at + 1].first_image) : table_.images;
      require(static_cast<int64_t>(block.samples.size()) == end - first, "its table and its index differ");
      blocks_[at] = std::move(block);
    });
  } catch (const Error& e) {
    fail("{}: damaged: {}, so that image {} and those beside it can't be found; make it again with minissl data pack",
         file_.path().string(), e.what(), i);
  }
  return blocks_[at].samples[static_cast<size_t>(i - first)];
}

Image PackFile::load(int64_t i) const {
  const SampleRecord& sample = record(i);
  const TagScope tag(MemoryTag::data);
  const auto bytes = static_cast<size_t>(sample.bytes);
  const auto read_into = [&](std::byte* to) {
    try {
      file_.read_at(sample.begin, to, bytes);
    } catch (const Error& reason) {
      throw ImageError(sample.name, reason.what());
    }
    if (sample.checksum != checksum(to, bytes))
      throw ImageError(sample.name, fmt::format("{}: its checksum differs: the pack is damaged there; make it again "
                                                "with minissl data pack",
                                                file_.path().string()));
  };
  if (sample.type == SampleType::encoded) {
    std::vector<std::byte> file(bytes);
    read_into(file.data());
    return decode_image(file, {.channels = channels_});
  }
  const DType type = sample.type == SampleType::u8 ? DType::u8 : DType::f32;
  const Image image{Tensor::empty({sample.height, sample.width, sample.channels}, type)};
  read_into(image.pixels.bytes_begin());
  return with_channels(image, channels_);
}

}  // namespace minissl
