#include "data/sources/npz.h"

#include <algorithm>
#include <map>
#include <set>

#include "data/sources/archive.h"
#include "data/sources/array_images.h"
#include "data/sources/npy_header.h"
#include "data/sources/unpack.h"

namespace minissl {
namespace {

struct Array {
  NpyHeader header;
  std::string where;
};

int64_t integer(const std::byte* at, const std::string& type) {
  uint64_t value = 0;
  const auto bytes = static_cast<size_t>(type[2] - '0');
  for (size_t i = 0; i < bytes; ++i) value |= uint64_t{static_cast<uint8_t>(at[i])} << (8 * i);
  if (type[1] == 'i' && bytes < 8 && (value >> (8 * bytes - 1)) != 0) value |= ~uint64_t{0} << (8 * bytes);
  return static_cast<int64_t>(value);
}

std::vector<int64_t> read_integers(const ByteSource& bytes, const Array& array) {
  int64_t count = 1;
  for (const int64_t size : array.header.shape) count *= size;
  const int64_t width = element_bytes(array.header.type, array.where);
  std::vector<std::byte> raw(static_cast<size_t>(count * width));
  bytes.read_at(array.header.begin, raw.data(), raw.size());
  std::vector<int64_t> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(integer(&raw[static_cast<size_t>(i * width)], array.header.type));
  return values;
}

ArrayImages::Annotation annotation_of(const ByteSource& bytes, const Array& labels, int64_t images) {
  const std::vector<int64_t>& shape = labels.header.shape;
  require((shape.size() == 1 || (shape.size() == 2 && shape[1] > 0)) && shape[0] == images,
          "{}: its shape is ({}); {} images need ({}, 1), or ({}, L) for L labels", labels.where,
          fmt::join(shape, ", "), images, images, images);
  const std::vector<int64_t> values = read_integers(bytes, labels);
  ArrayImages::Annotation annotation;
  if (shape.size() == 1 || shape[1] == 1) {
    std::map<int64_t, int64_t> number;
    for (const int64_t value : values) number[value] = 0;
    for (auto& [value, n] : number) {
      require(value >= 0, "{}: {} is not the number of a class", labels.where, value);
      n = static_cast<int64_t>(annotation.class_names.size());
      annotation.class_names.push_back(std::to_string(value));
    }
    for (const int64_t value : values) annotation.classes.push_back(number[value]);
    return annotation;
  }
  for (int64_t l = 0; l < shape[1]; ++l) annotation.label_names.push_back(std::to_string(l));
  for (size_t i = 0; i < values.size(); ++i) {
    require(values[i] == 0 || values[i] == 1, "{}: image {} has {} for a label; several labels are 0 or 1 each",
            labels.where, static_cast<int64_t>(i) / shape[1], values[i]);
    annotation.labels.push_back(values[i] == 1 ? Label::yes : Label::no);
  }
  return annotation;
}

/// The parts whose images are in the file, in the order train, val, test.
std::vector<std::string> parts_of(const std::filesystem::path& path) {
  std::set<std::string> names;
  ArchiveReader archive(path);
  while (archive.next()) names.insert(archive.member().name);
  std::vector<std::string> parts;
  for (const char* part : {"train", "val", "test"})
    if (names.contains(fmt::format("{}_images.npy", part))) parts.emplace_back(part);
  require(!parts.empty(), "{}: no arrays train_images, val_images or test_images in it, as MedMNIST's files have them",
          path.string());
  return parts;
}

}  // namespace

bool is_npz(const std::filesystem::path& path) { return path.extension() == ".npz"; }

std::unique_ptr<Dataset> open_npz(const DataPath& path, int channels) {
  std::vector<std::string> remarks;
  const std::string file = path.path.string(), part = chosen_part(path, parts_of(path.path), remarks);
  const auto unpacked = std::make_shared<UnpackedFile>(path.path);
  std::map<std::string, Array> arrays;
  for (ArchiveReader archive(path.path); archive.next();) {
    const std::string name = archive.member().name;
    if (name != part + "_images.npy" && name != part + "_labels.npy") continue;
    const int64_t begin = unpacked->size(), bytes = unpack_member(archive, *unpacked);
    const std::string where = file + ": " + name;
    arrays[name] = {read_npy_header(*unpacked, begin, bytes, where), where};
  }
  remarks.push_back(unpacked->remark());
  const Array& images = arrays.at(part + "_images.npy");
  const std::vector<int64_t>& shape = images.header.shape;
  require(images.header.type == "|u1" && (shape.size() == 3 || (shape.size() == 4 && (shape[3] == 1 || shape[3] == 3))),
          "{}: its shape is ({}), its type {}; images are u1 (N, H, W) or (N, H, W, 3)", images.where,
          fmt::join(shape, ", "), images.header.type);
  const ArrayImages::Layout layout{shape[1], shape[2], shape.size() == 4 ? shape[3] : 1};
  ArrayImages::Annotation annotation;
  if (const auto labels = arrays.find(part + "_labels.npy"); labels != arrays.end())
    annotation = annotation_of(*unpacked, labels->second, shape[0]);
  else
    remarks.push_back(fmt::format("{}: no array {}_labels: its images have none", file, part));
  return std::make_unique<ArrayImages>(
      layout, std::vector<ArrayImages::Block>{{unpacked, part, images.header.begin, layout.bytes(), shape[0]}},
      std::move(annotation), channels, std::move(remarks));
}

}  // namespace minissl
