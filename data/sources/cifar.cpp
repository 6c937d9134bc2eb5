#include "data/sources/cifar.h"

#include <algorithm>
#include <sstream>

#include "data/sources/array_images.h"
#include "tensor/atomic_file.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

constexpr ArrayImages::Layout layout{32, 32, 3, /*planar=*/true};

/// One of the two data sets.
struct Variant {
  std::string names_file;
  int64_t labels;  ///< bytes of them before the pixels; the last one counts
  std::vector<std::string> train, test;
  int64_t record() const { return labels + layout.bytes(); }
  bool has(const std::string& file) const {
    return std::find(train.begin(), train.end(), file) != train.end() ||
           std::find(test.begin(), test.end(), file) != test.end();
  }
};

const Variant& cifar10() {
  static const Variant variant{
      "batches.meta.txt",
      1,
      {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
      {"test_batch.bin"}};
  return variant;
}
const Variant& cifar100() {
  static const Variant variant{"fine_label_names.txt", 2, {"train.bin"}, {"test.bin"}};
  return variant;
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

/// Null if the folder has neither.
const Variant* variant_in(const fs::path& folder) {
  for (const Variant* variant : {&cifar10(), &cifar100()}) {
    if (!is_file(folder / variant->names_file)) continue;
    for (const auto* files : {&variant->train, &variant->test})
      for (const std::string& file : *files)
        if (is_file(folder / file)) return variant;
  }
  return nullptr;
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::istringstream text(read_file(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) lines.push_back(line);
  }
  require(!lines.empty(), "{}: there are no class names in it", path.string());
  return lines;
}

ArrayImages::Block block_of(const fs::path& file, const Variant& variant) {
  const auto bytes = file_bytes(file);
  require(bytes->size() > 0 && bytes->size() % variant.record() == 0,
          "{}: {} bytes are no whole number of records of {}: it is cut short, or not CIFAR's binary version",
          file.string(), bytes->size(), variant.record());
  return {bytes, file.filename().string(), variant.labels, variant.record(), bytes->size() / variant.record()};
}

void read_labels(const ArrayImages::Block& block, const fs::path& file, const std::vector<std::string>& names,
                 std::vector<int64_t>& labels) {
  constexpr int64_t at_once = 1024;
  std::vector<uint8_t> records(static_cast<size_t>(at_once * block.stride));
  for (int64_t begin = 0; begin < block.count; begin += at_once) {
    const int64_t count = std::min(at_once, block.count - begin);
    block.bytes->read_at(begin * block.stride, records.data(), static_cast<size_t>(count * block.stride));
    for (int64_t i = 0; i < count; ++i) {
      const auto label = records[static_cast<size_t>(i * block.stride + block.first - 1)];
      require(label < names.size(), "{}: image {} has the label {}, and there are {} names: it is damaged",
              file.string(), begin + i, label, names.size());
      labels.push_back(label);
    }
  }
}

}  // namespace

bool is_cifar(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return variant_in(path) != nullptr;
  if (path.extension() != ".bin") return false;
  const Variant* variant = variant_in(path.parent_path());
  return variant != nullptr && variant->has(path.filename().string());
}

std::unique_ptr<Dataset> open_cifar(const DataPath& path, int channels) {
  std::vector<std::string> remarks, files;
  const bool is_folder = fs::is_directory(path.path);
  const fs::path folder = is_folder ? path.path : path.path.parent_path();
  const Variant& variant = *variant_in(folder);
  if (is_folder) {
    files = chosen_part(path, {"train", "test"}, remarks) == "train" ? variant.train : variant.test;
  } else {
    require(path.part.empty(), "{}: one file has no parts; name its folder for {}", path.path.string(), path.part);
    files = {path.path.filename().string()};
  }
  ArrayImages::Annotation annotation;
  annotation.class_names = lines_of(folder / variant.names_file);
  std::vector<ArrayImages::Block> blocks;
  for (const std::string& file : files) {
    blocks.push_back(block_of(folder / file, variant));
    read_labels(blocks.back(), folder / file, annotation.class_names, annotation.classes);
  }
  return std::make_unique<ArrayImages>(layout, std::move(blocks), std::move(annotation), channels, std::move(remarks));
}

}  // namespace minissl
