#include "data/sources/pack_writer.h"

#include "tensor/checksum.h"

namespace minissl {
namespace {

// Small enough for a kill to lose little, large enough for writes and the table.
constexpr size_t block_images = 256, block_bytes = size_t{64} << 20;

}  // namespace

PackWriter::PackWriter(const std::filesystem::path& path, const PackHeader& header)
    : file_(path, AtomicFile::Unfinished::kept) {
  const std::string begin = header.encoded();
  end_ = aligned(static_cast<int64_t>(begin.size()));
  if (file_.size() >= end_) {
    resume(end_, header);
    return;
  }
  file_.truncate(0);
  file_.write(begin);
  file_.write(std::string(static_cast<size_t>(end_) - begin.size(), '\0'));
}

void PackWriter::resume(int64_t first_block, const PackHeader& header) {
  const int64_t size = file_.size();
  const ReadPack read = [this](int64_t offset, void* bytes, size_t count) { file_.read_at(offset, bytes, count); };
  PackHeader there;
  std::string trouble;
  try {
    read_pack_header(read, size, there);
  } catch (const Error& e) {
    trouble = e.what();
  }
  require(trouble.empty() && there.encoded() == header.encoded(),
          "{}: an unfinished pack is there, {}; remove it to begin again", file_.temporary().string(),
          trouble.empty() ? "of other images or other settings (" + there.origin + ")" : "but " + trouble);
  end_ = first_block;
  std::string data;
  try {
    while (end_ < size) {
      const PackBlock block = PackBlock::read(read, end_, size, header);
      // The system may have lost what a killed machine had not yet written.
      data.resize(static_cast<size_t>(block.end - block.data_begin));
      read(block.data_begin, data.data(), data.size());
      require(checksum(data.data(), data.size()) == block.data_checksum, "samples are damaged");
      table_.blocks.push_back({static_cast<uint64_t>(end_), static_cast<uint64_t>(table_.images)});
      table_.images += static_cast<int64_t>(block.samples.size());
      source_end_ = block.source_end;
      end_ = block.end;
    }
  } catch (const OutOfMemory&) {
    throw;
  } catch (const Error&) {
    // The block that was being written: its images are packed again.
  }
  file_.truncate(end_);
}

void PackWriter::add(const PackSample& sample, int64_t source) {
  const Tensor& pixels = sample.image.pixels;
  const bool encoded = !sample.encoded.empty();
  const std::byte* bytes = encoded ? sample.encoded.data() : pixels.bytes_begin();
  const size_t count = encoded ? sample.encoded.size() : static_cast<size_t>(pixels.bytes());
  records_.push_back({.bytes = static_cast<int64_t>(count),
                      .height = static_cast<uint32_t>(sample.image.height()),
                      .width = static_cast<uint32_t>(sample.image.width()),
                      .channels = static_cast<uint8_t>(sample.image.channels()),
                      .type = encoded                       ? SampleType::encoded
                              : pixels.dtype() == DType::u8 ? SampleType::u8
                                                            : SampleType::f32,
                      .label = static_cast<int32_t>(sample.label),
                      .checksum = checksum(bytes, count),
                      .name = sample.name,
                      .patient = sample.patient,
                      .labels = sample.labels});
  samples_.append(reinterpret_cast<const char*>(bytes), count);
  samples_.resize(static_cast<size_t>(aligned(static_cast<int64_t>(samples_.size()))), '\0');
  source_end_ = source + 1;
  if (records_.size() == block_images || samples_.size() >= block_bytes) write_block();
}

void PackWriter::write_block() {
  const std::string index = PackBlock::encode(records_, samples_, source_end_, end_);
  file_.write(index);
  file_.write(samples_);
  table_.blocks.push_back({static_cast<uint64_t>(end_), static_cast<uint64_t>(table_.images)});
  table_.images += static_cast<int64_t>(records_.size());
  end_ += static_cast<int64_t>(index.size() + samples_.size());
  records_.clear();
  samples_.clear();
}

void PackWriter::commit() {
  if (!records_.empty()) write_block();
  require(table_.images > 0, "a pack needs at least one image");
  file_.write(table_.encode(end_));
  file_.commit();
}

}  // namespace minissl
