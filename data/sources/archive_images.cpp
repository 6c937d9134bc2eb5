#include "data/sources/archive_images.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <unordered_map>

#include "data/decode/decode.h"
#include "data/sources/archive_index.h"

namespace minissl {
namespace {

/// The first folder of a path; empty if there is none.
std::string top_of(const std::string& name) {
  const size_t slash = name.find('/');
  return slash == name.npos ? std::string() : name.substr(0, slash);
}

std::string key_of(const std::string& name) {
  const size_t slash = name.rfind('/');
  return name.substr(0, name.find('.', slash == name.npos ? 0 : slash));
}

bool is_number(const std::string& text) { return !text.empty() && text.find_first_not_of("0123456789") == text.npos; }

/// Numbers by their value, names by their bytes.
bool class_before(const std::string& a, const std::string& b) {
  if (is_number(a) && is_number(b) && a.size() != b.size()) return a.size() < b.size();
  return a < b;
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n"), end = text.find_last_not_of(" \t\r\n");
  return begin == text.npos ? std::string() : text.substr(begin, end - begin + 1);
}

}  // namespace

ArchiveImages::ArchiveImages(const DataPath& path, int channels, int max_value)
    : channels_(channels), max_value_(max_value) {
  ArchiveIndex index = index_archive(path.path);
  bytes_ = std::move(index.bytes);
  remarks_ = std::move(index.remarks);
  require(!index.images.empty(), "{}: there are no images in it{}{}", path.path.string(), remarks_.empty() ? "" : "; ",
          remarks_.empty() ? "" : remarks_.back());
  for (ArchiveIndex::Member& image : index.images)
    images_.push_back({std::move(image.name), image.begin, image.bytes, -1});
  std::vector<Member> classes;
  for (ArchiveIndex::Member& file : index.classes)
    classes.push_back({std::move(file.name), file.begin, file.bytes, -1});
  if (!classes.empty()) {
    require(path.part.empty(), "{}: a WebDataset has no parts; name its shards", path.path.string());
    take_classes_of_keys(classes);
    return;
  }
  choose_part(path);
  take_classes_of_folders();
}

void ArchiveImages::choose_part(const DataPath& path) {
  const auto below_one = [this] {
    const std::string top = top_of(images_.front().name);
    return !top.empty() && std::all_of(images_.begin(), images_.end(), [&](const Member& image) {
      return top_of(image.name) == top && image.name.find('/', top.size() + 1) != std::string::npos;
    });
  };
  const auto strip = [this](size_t count) {
    for (Member& image : images_) image.name.erase(0, count);
  };
  while (below_one()) strip(top_of(images_.front().name).size() + 1);

  std::set<std::string> tops;
  for (const Member& image : images_) tops.insert(top_of(image.name));
  std::vector<std::string> parts;
  for (const char* part : {"train", "val", "valid", "validation", "test"})
    if (tops.contains(part)) parts.emplace_back(part);
  const bool has_parts = parts.size() == tops.size() && parts.front() == "train";
  if (!has_parts && path.part.empty()) return;
  require(has_parts, "{}: it has no parts, such as the folders train and test", path.path.string());
  const std::string part = chosen_part(path, parts, remarks_);
  std::erase_if(images_, [&](const Member& image) { return top_of(image.name) != part; });
  strip(part.size() + 1);
}

void ArchiveImages::take_classes_of_folders() {
  std::set<std::string> classes;
  for (const Member& image : images_) classes.insert(top_of(image.name));
  classes.erase("");
  class_names_.assign(classes.begin(), classes.end());
  for (Member& image : images_)
    if (const std::string top = top_of(image.name); !top.empty())
      image.label = std::lower_bound(class_names_.begin(), class_names_.end(), top) - class_names_.begin();
}

void ArchiveImages::take_classes_of_keys(const std::vector<Member>& classes) {
  constexpr int64_t longest = 256;
  std::unordered_map<std::string, std::string> class_of;
  for (const Member& file : classes) {
    require(file.bytes <= longest, "{}: not the class of an image: it has {} bytes", file.name, file.bytes);
    std::string text(static_cast<size_t>(file.bytes), '\0');
    bytes_->read_at(file.begin, text.data(), text.size());
    text = trimmed(text);
    require(!text.empty(), "{}: not the class of an image: it is empty", file.name);
    class_of[key_of(file.name)] = text;
  }
  std::set<std::string> names;
  for (const auto& [key, name] : class_of) names.insert(name);
  class_names_.assign(names.begin(), names.end());
  std::sort(class_names_.begin(), class_names_.end(), class_before);
  for (Member& image : images_)
    if (const auto found = class_of.find(key_of(image.name)); found != class_of.end())
      image.label = std::lower_bound(class_names_.begin(), class_names_.end(), found->second, class_before) -
                    class_names_.begin();
}

std::vector<std::byte> ArchiveImages::content_of(const Member& member) const {
  require(member.bytes <= max_image_file_bytes, "a file of {} bytes is too large for an image", member.bytes);
  std::vector<std::byte> content(static_cast<size_t>(member.bytes));
  bytes_->read_at(member.begin, content.data(), content.size());
  return content;
}

LevelCounts ArchiveImages::levels(int64_t i) const {
  return levels_of_image(content_of(images_[static_cast<size_t>(i)]));
}

Image ArchiveImages::load(int64_t i) const {
  const Member& member = images_[static_cast<size_t>(i)];
  try {
    return decode_image(content_of(member), {.channels = channels_, .max_value = max_value_});
  } catch (const OutOfMemory&) {
    throw;
  } catch (const Error& reason) {
    throw ImageError(member.name, reason.what());
  }
}

}  // namespace minissl
