#pragma once
#include <filesystem>
#include <mutex>

#include "data/dataset.h"
#include "data/sources/pack_format.h"
#include "tensor/input_file.h"

namespace minissl {

/// Whether a regular file begins as packs of any version do.
bool is_pack(const std::filesystem::path& path);

/// A data set in one file (data/sources/pack_format.h): nothing is decoded twice and no files are opened, and processes
/// that read the same pack share it in the system's cache. Opening reads a table of some bytes for each block of
/// images; the index of a block, and a sample, are read when they are asked for.
class PackFile final : public Dataset {
 public:
  /// Throws Error if the file can't be read, is truncated, or its header or table differs from its checksum.
  PackFile(const std::filesystem::path& path, int channels);

  int64_t size() const override { return table_.images; }
  /// Throws ImageError if the sample can't be read (a file may shrink while it is open) or differs from its checksum.
  Image load(int64_t i) const override;
  int64_t label(int64_t i) const override { return record(i).label; }
  std::string name(int64_t i) const override { return record(i).name; }
  const std::vector<std::string>& class_names() const override { return header_.class_names; }
  const std::vector<std::string>& label_names() const override { return header_.label_names; }
  std::span<const Label> labels(int64_t i) const override { return record(i).labels; }
  std::string patient(int64_t i) const override { return record(i).patient; }
  int64_t bytes(int64_t i) const override { return record(i).bytes; }

 private:
  const SampleRecord& record(int64_t i) const;

  InputFile file_;
  ReadPack read_;
  int channels_;
  PackHeader header_;
  PackTable table_;
  mutable std::vector<std::once_flag> read_once_;
  mutable std::vector<PackBlock> blocks_;
};

}  // namespace minissl
