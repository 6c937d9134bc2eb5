#include "data/sources/idx.h"

#include <algorithm>
#include <array>
#include <set>

#include "data/decode/decode.h"
#include "data/sources/array_images.h"
#include "data/sources/unpack.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

constexpr uint8_t unsigned_bytes = 0x08;

bool is_name_of_images(const std::string& name) {
  return (name.ends_with("idx3-ubyte") || name.ends_with("idx3-ubyte.gz")) && name.find("images") != name.npos;
}

/// The path of the labels; empty if there is none.
fs::path labels_beside(const fs::path& images) {
  std::string name = images.filename().string();
  const auto replace = [&](const std::string& from, const std::string& to) {
    if (const size_t at = name.rfind(from); at != name.npos) name.replace(at, from.size(), to);
  };
  replace("images", "labels");
  replace("idx3", "idx1");
  const std::string plain = name.ends_with(".gz") ? name.substr(0, name.size() - 3) : name;
  for (const std::string& candidate : {name, plain, plain + ".gz"})
    if (const fs::path path = images.parent_path() / candidate; path != images && fs::exists(path)) return path;
  return {};
}

/// An IDX file: its sizes, and where its elements begin.
struct Array {
  std::shared_ptr<const ByteSource> bytes;
  std::vector<int64_t> sizes;
  int64_t begin;
};

Array read_header(const fs::path& path, size_t rank, std::vector<std::string>& remarks) {
  Array array{open_unpacked(path, remarks), {}, 0};
  std::vector<uint8_t> header(4 + 4 * rank);
  require(array.bytes->size() >= static_cast<int64_t>(header.size()), "{}: too short for an IDX file", path.string());
  array.bytes->read_at(0, header.data(), header.size());
  require(header[0] == 0 && header[1] == 0 && header[2] == unsigned_bytes && header[3] == rank,
          "{}: not an IDX file of bytes with {} dimension(s): it begins with {:02x}{:02x}{:02x}{:02x}", path.string(),
          rank, header[0], header[1], header[2], header[3]);
  for (size_t d = 0; d < rank; ++d) {
    const uint8_t* size = &header[4 + 4 * d];
    array.sizes.push_back(int64_t{size[0]} << 24 | int64_t{size[1]} << 16 | int64_t{size[2]} << 8 | size[3]);
  }
  array.begin = static_cast<int64_t>(header.size());
  return array;
}

ArrayImages::Annotation read_labels(const fs::path& path, int64_t images, std::vector<std::string>& remarks) {
  const Array array = read_header(path, 1, remarks);
  require(array.sizes[0] == images, "{}: {} labels for {} images", path.string(), array.sizes[0], images);
  require(array.bytes->size() - array.begin >= images, "{}: ends before its last label: it is cut short",
          path.string());
  std::vector<uint8_t> labels(static_cast<size_t>(images));
  array.bytes->read_at(array.begin, labels.data(), labels.size());
  ArrayImages::Annotation annotation;
  std::array<int64_t, 256> number{};
  for (const uint8_t label : std::set<uint8_t>(labels.begin(), labels.end())) {
    number[label] = static_cast<int64_t>(annotation.class_names.size());
    annotation.class_names.push_back(std::to_string(label));
  }
  for (const uint8_t label : labels) annotation.classes.push_back(number[label]);
  return annotation;
}

std::vector<fs::path> images_in(const fs::path& folder, std::string_view part) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool is_test = name.find("t10k") != name.npos || name.find("test") != name.npos;
    if (is_name_of_images(name) && (part.empty() || is_test == (part == "test"))) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  // A file beside its own gzipped original is the same.
  const std::vector<fs::path> all = found;
  std::erase_if(found, [&](const fs::path& path) {
    return path.extension() == ".gz" && std::binary_search(all.begin(), all.end(), fs::path(path).replace_extension());
  });
  return found;
}

}  // namespace

bool is_idx(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    try {
      return !images_in(path, "").empty();
    } catch (const fs::filesystem_error&) {
      return false;  // whoever lists the folder next says why
    }
  }
  if (is_name_of_images(path.filename().string())) return true;
  const auto bytes = file_bytes(path);
  std::array<uint8_t, 4> magic{};
  if (bytes->size() < static_cast<int64_t>(magic.size())) return false;
  bytes->read_at(0, magic.data(), magic.size());
  return magic == std::array<uint8_t, 4>{0, 0, unsigned_bytes, 3};
}

std::unique_ptr<Dataset> open_idx(const DataPath& path, int channels) {
  std::vector<std::string> remarks;
  fs::path file = path.path;
  if (fs::is_directory(file)) {
    const std::string part = chosen_part(path, {"train", "test"}, remarks);
    const std::vector<fs::path> found = images_in(file, part);
    require(!found.empty(), "{}: there are no IDX images of the part {} in it", file.string(), part);
    require(found.size() == 1, "{}: several files are of the part {}, {} and {}; name one of them", file.string(), part,
            found[0].filename().string(), found.size() > 1 ? found[1].filename().string() : "");
    file = found.front();
  } else {
    require(path.part.empty(), "{}: one file has no parts; name its folder for {}", file.string(), path.part);
  }
  const Array images = read_header(file, 3, remarks);
  const ArrayImages::Layout layout{images.sizes[1], images.sizes[2], 1};
  require(layout.height > 0 && layout.width > 0 && layout.width <= max_image_pixels / layout.height,
          "{}: its images have {} x {} pixels, by its header", file.string(), layout.height, layout.width);
  ArrayImages::Annotation annotation;
  if (const fs::path labels = labels_beside(file); !labels.empty())
    annotation = read_labels(labels, images.sizes[0], remarks);
  else
    remarks.push_back(fmt::format("{}: no file of labels beside it: its images have none", file.string()));
  return std::make_unique<ArrayImages>(layout,
                                       std::vector<ArrayImages::Block>{{images.bytes, file.filename().string(),
                                                                        images.begin, layout.bytes(), images.sizes[0]}},
                                       std::move(annotation), channels, std::move(remarks));
}

}  // namespace minissl
