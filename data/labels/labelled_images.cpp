#include "data/labels/labelled_images.h"

#include <optional>
#include <string_view>
#include <unordered_map>

namespace minissl {
namespace {

/// Finds the row of an image by its name.
class RowFinder {
 public:
  explicit RowFinder(const LabelTable& table) : table_(table) {
    for (size_t r = 0; r < table.rows.size(); ++r) {
      const std::string_view path = table.rows[r].path;
      whole_[path] = r;
      for (size_t begin = path.find('/'); begin != path.npos; begin = path.find('/', begin + 1)) {
        const auto [known, is_new] = ends_.try_emplace(path.substr(begin + 1), r);
        if (!is_new) known->second = several;
      }
    }
  }

  std::optional<size_t> find(const std::string& name) const {
    if (const auto row = whole_.find(name); row != whole_.end()) return row->second;
    std::optional<size_t> found;
    const auto take = [&](size_t row) {
      require(!found, "{}: the image {} may be of line {} or of line {}; give paths that tell images apart",
              table_.file.string(), name, table_.rows[*found].line, table_.rows[row].line);
      found = row;
    };
    if (const auto row = ends_.find(name); row != ends_.end()) {
      require(row->second != several, "{}: the paths of several lines end with {}; give paths that tell images apart",
              table_.file.string(), name);
      take(row->second);
    }
    const std::string_view text = name;
    for (size_t begin = text.find('/'); begin != text.npos; begin = text.find('/', begin + 1))
      if (const auto row = whole_.find(text.substr(begin + 1)); row != whole_.end()) take(row->second);
    return found;
  }

 private:
  static constexpr size_t several = SIZE_MAX;

  const LabelTable& table_;
  std::unordered_map<std::string_view, size_t> whole_, ends_;  // paths, and what they end with
};

constexpr size_t shown = 3;  // names in a line

std::string some(const std::vector<std::string>& names, size_t count) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return count > names.size() ? text + ", ..." : text;
}

}  // namespace

LabelledImages::LabelledImages(std::shared_ptr<const Dataset> images, const LabelTable& table)
    : Subset(std::move(images), {}), table_(table) {
  constexpr int64_t none = -1;
  const RowFinder rows(table_);
  std::vector<int64_t> image_of(table_.rows.size(), none);
  std::vector<std::string> without;
  size_t count_without = 0;
  for (int64_t i = 0; i < whole().size(); ++i) {
    const std::string name = whole().name(i);
    const std::optional<size_t> row = rows.find(name);
    if (!row) {
      if (count_without++ < shown) without.push_back(name);
      continue;
    }
    int64_t& image = image_of[*row];
    require(image == none, "{}: line {} ({}) may be of the image {} or of {}; give paths that tell images apart",
            table_.file.string(), table_.rows[*row].line, table_.rows[*row].path,
            image == none ? "" : whole().name(image), name);
    image = i;
    add(i);
    rows_.push_back(*row);
  }
  require(!rows_.empty(), "{}: not one of its {} rows is of one of the {} images: {} is none of {}",
          table_.file.string(), table_.rows.size(), whole().size(), table_.rows.front().path,
          some(without, count_without));
  if (count_without > 0)
    images_without_row_ =
        fmt::format("{}: {} of {} images have no row in it and are left out: {}", table_.file.string(), count_without,
                    whole().size(), some(without, count_without));
}

std::vector<bool> LabelledImages::matched_rows() const {
  std::vector<bool> matched(table_.rows.size());
  for (const size_t row : rows_) matched[row] = true;
  return matched;
}

std::vector<std::string> LabelledImages::join_remarks() const {
  std::vector<std::string> remarks;
  for (const std::string& line : {images_without_row_, rows_without_image(table_, matched_rows())})
    if (!line.empty()) remarks.push_back(line);
  return remarks;
}

const std::vector<std::string>& LabelledImages::class_names() const {
  static const std::vector<std::string> none;
  return none;
}

std::string rows_without_image(const LabelTable& table, const std::vector<bool>& matched) {
  std::vector<std::string> without;
  size_t count = 0;
  for (size_t r = 0; r < matched.size(); ++r)
    if (!matched[r] && count++ < shown) without.push_back(table.rows[r].path);
  if (count == 0) return {};
  return fmt::format("{}: {} of {} rows have no image: {}", table.file.string(), count, matched.size(),
                     some(without, count));
}

}  // namespace minissl
