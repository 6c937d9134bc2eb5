#include "data/sources/image_folder.h"

#include <algorithm>

#include "data/decode/decode.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

// Empty for an image directly in the folder.
std::string_view class_of(std::string_view name) {
  const size_t slash = name.find('/');
  return name.substr(0, slash == name.npos ? 0 : slash);
}

}  // namespace

ImageFolder::ImageFolder(const std::string& folder, int channels, int max_value)
    : root_(folder), channels_(channels), max_value_(max_value) {
  try {
    FolderScan scan = scan_folder(root_);
    names_ = std::move(scan.images);
    left_out_ = std::move(scan.left_out);
  } catch (const OutOfMemory&) {
    throw;
  } catch (const Error& error) {
    fail("data '{}': {}", folder, error.what());
  }

  // The images of a class follow one another.
  for (size_t i = 0; i < names_.size(); ++i) {
    const std::string_view name = class_of(names_[i]);
    if (!name.empty() && (class_names_.empty() || class_names_.back() != name)) class_names_.emplace_back(name);
  }
  std::sort(class_names_.begin(), class_names_.end());
  labels_.reserve(names_.size());
  for (size_t i = 0; i < names_.size(); ++i) {
    const std::string_view name = class_of(names_[i]);
    const auto at = std::lower_bound(class_names_.begin(), class_names_.end(), name);
    labels_.push_back(name.empty() ? -1 : static_cast<int32_t>(at - class_names_.begin()));
  }
}

Image ImageFolder::load(int64_t i) const {
  return read_image(path_of(i), {.channels = channels_, .max_value = max_value_});
}

int64_t ImageFolder::bytes(int64_t i) const {
  std::error_code error;
  const auto bytes = fs::file_size(path_of(i), error);
  return error ? -1 : static_cast<int64_t>(bytes);
}

LevelCounts ImageFolder::levels(int64_t i) const { return levels_of_file(path_of(i)); }

}  // namespace minissl
