#include "data/sources/joined.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "data/decode/decode.h"

namespace minissl {
namespace {

// Images would count twice.
void require_apart(const std::vector<std::string>& roots) {
  namespace fs = std::filesystem;
  std::map<fs::path, std::string> places;
  for (const std::string& root : roots) {
    std::error_code error;
    const fs::path place = fs::canonical(std::u8string(root.begin(), root.end()), error);
    if (!error) places[place] = root;
  }
  for (const auto& [place, root] : places)
    for (fs::path above = place.parent_path(); above != above.parent_path(); above = above.parent_path())
      if (const auto found = places.find(above); found != places.end())
        fail("data: {} is inside {}: its images would count twice", root, found->second);
}

/// The last part of each root's path, or the whole root if that isn't enough to tell them apart.
std::vector<std::string> prefixes_of(const std::vector<std::string>& roots) {
  std::vector<std::string> last;
  std::set<std::string> different;
  for (const std::string& root : roots) {
    const size_t end = root.find_last_not_of('/');
    const size_t slash = root.rfind('/', end);
    last.push_back(root.substr(slash == root.npos ? 0 : slash + 1, end - (slash == root.npos ? 0 : slash + 1) + 1));
    different.insert(last.back());
  }
  return different.size() == roots.size() && !different.contains("") ? last : roots;
}

}  // namespace

JoinedDatasets::JoinedDatasets(std::vector<std::unique_ptr<Dataset>> parts, const std::vector<std::string>& roots)
    : parts_(std::move(parts)), prefixes_(prefixes_of(roots)) {
  require_apart(roots);
  for (size_t p = 0; p < parts_.size(); ++p) {
    const Dataset& part = *parts_[p];
    begins_.push_back(begins_.back() + part.size());
    require(part.label_names() == parts_.front()->label_names(),
            "{} and {} have different labels; images with several labels are joined if these are the same", roots[0],
            roots[p]);
    remarks_.insert(remarks_.end(), part.remarks().begin(), part.remarks().end());
    for (const LeftOut& other : part.left_out())
      left_out_.push_back({fmt::format("{}/{}", prefixes_[p], other.path), other.reason});
  }
  merge_classes();
}

void JoinedDatasets::merge_classes() {
  // Lists that are alike stay in their order, which may be a published one; others are merged into one that doesn't
  // depend on the order of the roots.
  class_names_ = parts_.front()->class_names();
  if (std::any_of(parts_.begin(), parts_.end(),
                  [&](const auto& part) { return part->class_names() != class_names_; })) {
    class_names_.clear();
    for (const auto& part : parts_)
      class_names_.insert(class_names_.end(), part->class_names().begin(), part->class_names().end());
    std::sort(class_names_.begin(), class_names_.end());
    class_names_.erase(std::unique(class_names_.begin(), class_names_.end()), class_names_.end());
  }
  std::map<std::string, int64_t> number;
  for (size_t c = 0; c < class_names_.size(); ++c) number[class_names_[c]] = static_cast<int64_t>(c);
  for (const auto& part : parts_) {
    std::vector<int64_t>& joined = class_of_.emplace_back();
    for (const std::string& name : part->class_names()) joined.push_back(number.at(name));
  }
}

size_t JoinedDatasets::part_of(int64_t& i) const {
  const auto part = static_cast<size_t>(std::upper_bound(begins_.begin(), begins_.end(), i) - begins_.begin() - 1);
  i -= begins_[part];
  return part;
}

Image JoinedDatasets::load(int64_t i) const {
  const std::string name = this->name(i);
  const size_t part = part_of(i);
  try {
    return parts_[part]->load(i);
  } catch (const ImageError& error) {
    throw ImageError(name, error.reason());
  }
}

int64_t JoinedDatasets::label(int64_t i) const {
  const size_t part = part_of(i);
  const int64_t label = parts_[part]->label(i);
  return label < 0 ? -1 : class_of_[part][static_cast<size_t>(label)];
}

std::string JoinedDatasets::name(int64_t i) const {
  const size_t part = part_of(i);
  return fmt::format("{}/{}", prefixes_[part], parts_[part]->name(i));
}

std::span<const Label> JoinedDatasets::labels(int64_t i) const {
  const size_t part = part_of(i);
  return parts_[part]->labels(i);
}

std::string JoinedDatasets::patient(int64_t i) const {
  const size_t part = part_of(i);
  return parts_[part]->patient(i);
}

int64_t JoinedDatasets::bytes(int64_t i) const {
  const size_t part = part_of(i);
  return parts_[part]->bytes(i);
}

int JoinedDatasets::max_value() const {
  int largest = 0;
  for (const auto& part : parts_) largest = std::max(largest, part->max_value());
  return largest;
}

void JoinedDatasets::set_max_value(int value) {
  for (const auto& part : parts_) part->set_max_value(value);
}

LevelCounts JoinedDatasets::levels(int64_t i) const {
  const size_t part = part_of(i);
  return parts_[part]->levels(i);
}

}  // namespace minissl
