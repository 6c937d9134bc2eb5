#include "data/sources/image_folder.h"

#include <algorithm>
#include <set>

#include "data/decode/decode.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

std::string utf8(const fs::path& path) {
  const auto text = path.generic_u8string();
  return {text.begin(), text.end()};
}
fs::path from_utf8(const std::string& text) { return std::u8string(text.begin(), text.end()); }

bool has_image_extension(const fs::path& path) {
  std::string extension = utf8(path.extension());
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

/// The image files below a folder.
class Scan {
 public:
  explicit Scan(const fs::path& root) { visit(root, {}); }

  std::vector<std::string> names;
  int64_t others = 0;
  std::string first_other;

 private:
  void visit(const fs::path& folder, const fs::path& relative) {
    if (!visited_.insert(fs::canonical(folder)).second) return;
    // Sorted before descending: which of two links to a folder counts must not depend on the file system.
    std::vector<fs::path> entries;
    for (const auto& entry : fs::directory_iterator(folder)) entries.push_back(entry.path().filename());
    std::sort(entries.begin(), entries.end());
    for (const fs::path& entry : entries) {
      if (utf8(entry).starts_with('.')) continue;
      std::error_code ignored;
      if (fs::is_directory(folder / entry, ignored)) visit(folder / entry, relative / entry);
      // A dangling link is listed too, so that loading it reports the error.
      else if (has_image_extension(entry))
        names.push_back(utf8(relative / entry));
      else if (const auto name = utf8(relative / entry); others++ == 0 || name < first_other)
        first_other = name;
    }
  }

  std::set<fs::path> visited_;
};

}  // namespace

ImageFolder::ImageFolder(const std::string& folder, int channels, int max_value)
    : root_(from_utf8(folder)), channels_(channels), max_value_(max_value) {
  Scan scan = [&] {
    try {
      return Scan(root_);
    } catch (const fs::filesystem_error& error) {
      fail("data '{}': can't read {}: {}", folder, utf8(error.path1()), error.code().message());
    }
  }();
  require(!scan.names.empty(), "data '{}': no .jpg, .jpeg or .png files in it{}", folder,
          scan.others ? fmt::format(", only {} other(s), {} for one", scan.others, scan.first_other) : "");
  std::sort(scan.names.begin(), scan.names.end());

  std::set<std::string> classes;
  const auto class_of = [](const std::string& name) { return name.substr(0, name.find('/')); };
  for (const auto& name : scan.names)
    if (name.find('/') != std::string::npos) classes.insert(class_of(name));
  class_names_.assign(classes.begin(), classes.end());
  files_.reserve(scan.names.size());
  for (auto& name : scan.names) {
    int64_t label = -1;
    if (name.find('/') != std::string::npos)
      label = std::distance(class_names_.begin(),
                            std::lower_bound(class_names_.begin(), class_names_.end(), class_of(name)));
    files_.push_back({std::move(name), label});
  }
  if (max_value_ == 0) max_value_ = white_level_of(*this);
}

Image ImageFolder::load(int64_t i) const {
  return read_image(root_ / from_utf8(files_[static_cast<size_t>(i)].name),
                    {.channels = channels_, .max_value = max_value_});
}

LevelCounts ImageFolder::levels(int64_t i) const {
  return levels_of_file(root_ / from_utf8(files_[static_cast<size_t>(i)].name));
}

}  // namespace minissl
