#include "data/labels/label_table.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "data/labels/csv.h"

namespace minissl {
namespace {

using Fields = std::vector<std::string>;

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t"), end = text.find_last_not_of(" \t");
  return begin == text.npos ? std::string() : text.substr(begin, end - begin + 1);
}

std::optional<size_t> column(const Fields& header, std::initializer_list<const char*> names) {
  for (size_t c = 0; c < header.size(); ++c)
    for (const char* name : names)
      if (trimmed(header[c]) == name) return c;
  return std::nullopt;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    if (std::string part = trimmed(text.substr(begin, end - begin)); !part.empty()) parts.push_back(std::move(part));
    begin = end + 1;
  }
  return parts;
}

/// "patient00001" of CheXpert-v1.0/train/patient00001/study1/view1_frontal.jpg
std::string patient_in(const std::string& path) {
  constexpr std::string_view word = "patient";
  for (const std::string& part : split(path, '/'))
    if (part.starts_with(word) && part.size() > word.size() &&
        part.find_first_not_of("0123456789", word.size()) == part.npos)
      return part;
  return {};
}

/// A table while its rows arrive.
class Reader {
 public:
  Reader(const std::filesystem::path& file, Uncertain uncertain) : uncertain_(uncertain) { table_.file = file; }

  void read(const CsvRow& row) {
    if (!form_) {
      choose_form(row);
      if (is_header_) return;
    }
    for (size_t c = columns_; c < row.fields.size(); ++c)
      require_at(row, row.fields[c].empty(),
                 fmt::format("has {} fields, and the first line {}", row.fields.size(), columns_));
    require_at(row, row.fields.size() >= needed_,
               fmt::format("has {} fields; {} are needed", row.fields.size(), needed_));
    LabelTable::Row entry{row.fields[path_], patient_ ? trimmed(row.fields[*patient_]) : std::string(), row.line};
    while (entry.path.starts_with("./")) entry.path.erase(0, 2);
    require_at(row, !entry.path.empty(), "names no image");
    const auto [known, is_new] = line_of_.try_emplace(entry.path, row.line);
    require_at(row, is_new, fmt::format("names {} again, after line {}", entry.path, known->second));
    (this->*form_)(row, entry);
    table_.rows.push_back(std::move(entry));
  }

  LabelTable finish() {
    require(!table_.rows.empty(), "{}: there are no rows in it", table_.file.string());
    if (table_.lists_labels) fill_in_listed();
    require(!table_.names.empty(), "{}: there is no label in it", table_.file.string());
    return std::move(table_);
  }

 private:
  using Form = void (Reader::*)(const CsvRow&, LabelTable::Row&);

  void require_at(const CsvRow& row, bool condition, const std::string& what) const {
    require(condition, "{}: line {} {}", table_.file.string(), row.line, what);
  }

  void choose_form(const CsvRow& first) {
    const Fields& header = first.fields;
    columns_ = header.size();
    const auto choose = [&](Form form, size_t path, std::initializer_list<std::optional<size_t>> others) {
      form_ = form;
      path_ = path;
      needed_ = path + 1;
      for (const auto& other : others)
        if (other) needed_ = std::max(needed_, *other + 1);
    };
    const auto nih_path = column(header, {"Image Index"}), nih_labels = column(header, {"Finding Labels"});
    const auto chexpert_path = column(header, {"Path"}), path = column(header, {"path"});
    labels_ = nih_labels ? nih_labels : column(header, {"labels", "label"});
    if (nih_path && nih_labels) {
      patient_ = column(header, {"Patient ID"});
      return choose(&Reader::read_nih, *nih_path, {labels_, patient_});
    }
    if (chexpert_path) {
      begin_chexpert(header);
      return choose(&Reader::read_chexpert, *chexpert_path, {columns_ - 1});
    }
    patient_ = column(header, {"patient"});
    if (path && labels_) return choose(&Reader::read_own, *path, {labels_, patient_});
    require_at(first, columns_ == 2 || columns_ == 3,
               "has neither the columns of NIH ChestX-ray14 (Image Index, Finding Labels) nor those of CheXpert (Path, "
               "...) nor path,labels");
    is_header_ = false;
    labels_ = 1;
    if (columns_ == 3) patient_ = 2;
    choose(&Reader::read_own, 0, {labels_, patient_});
  }

  void read_nih(const CsvRow& row, LabelTable::Row&) {
    std::map<std::string, Label>& listed = listed_.emplace_back();
    for (const std::string& name : split(row.fields[*labels_], '|'))
      if (name != "No Finding") listed[name] = Label::yes;
  }

  void read_own(const CsvRow& row, LabelTable::Row&) {
    std::map<std::string, Label>& listed = listed_.emplace_back();
    for (const std::string& name : split(row.fields[*labels_], ';')) {
      const bool unknown = name.starts_with('?');
      require_at(row, name != "?", "has a ? without a label");
      listed[unknown ? name.substr(1) : name] = unknown ? Label::unknown : Label::yes;
    }
  }

  void begin_chexpert(const Fields& header) {
    static const std::set<std::string> others = {"Path", "Sex", "Age", "Frontal/Lateral", "AP/PA"};
    table_.lists_labels = false;
    for (size_t c = 0; c < header.size(); ++c) {
      const std::string name = trimmed(header[c]);
      if (others.contains(name) || name.empty()) continue;
      label_columns_.push_back(c);
      table_.names.push_back(name);
    }
  }

  void read_chexpert(const CsvRow& row, LabelTable::Row& entry) {
    entry.patient = patient_in(entry.path);
    for (size_t l = 0; l < label_columns_.size(); ++l)
      table_.labels.push_back(chexpert_label(row, table_.names[l], trimmed(row.fields[label_columns_[l]])));
  }

  Label chexpert_label(const CsvRow& row, const std::string& name, const std::string& text) const {
    if (text == "1.0" || text == "1") return Label::yes;
    if (text == "0.0" || text == "0" || text.empty()) return Label::no;
    require_at(row, text == "-1.0" || text == "-1",
               fmt::format("has \"{}\" for {}; there are 1, 0, -1 and nothing", text, name));
    return uncertain_ == Uncertain::ignore ? Label::unknown : uncertain_ == Uncertain::yes ? Label::yes : Label::no;
  }

  void fill_in_listed() {
    std::set<std::string> names;
    for (const auto& listed : listed_)
      for (const auto& [name, label] : listed) names.insert(name);
    table_.names.assign(names.begin(), names.end());
    std::unordered_map<std::string, size_t> number;
    for (size_t l = 0; l < table_.names.size(); ++l) number[table_.names[l]] = l;
    table_.labels.assign(listed_.size() * table_.names.size(), Label::no);
    for (size_t r = 0; r < listed_.size(); ++r)
      for (const auto& [name, label] : listed_[r]) table_.labels[r * table_.names.size() + number[name]] = label;
  }

  const Uncertain uncertain_;
  LabelTable table_;
  Form form_ = nullptr;
  bool is_header_ = true;
  size_t columns_ = 0, needed_ = 0, path_ = 0;
  std::optional<size_t> labels_, patient_;
  std::vector<size_t> label_columns_;
  std::vector<std::map<std::string, Label>> listed_;
  std::unordered_map<std::string, int64_t> line_of_;
};

}  // namespace

LabelTable read_label_table(const std::filesystem::path& file, Uncertain uncertain) {
  Reader reader(file, uncertain);
  for_each_csv_row(file, [&](const CsvRow& row) { reader.read(row); });
  return reader.finish();
}

LabelTable with_names(const LabelTable& table, const std::vector<std::string>& names) {
  LabelTable result{table.file, names, table.rows, {}, table.lists_labels};
  std::vector<std::optional<size_t>> from;
  for (const std::string& name : names) {
    const auto found = std::find(table.names.begin(), table.names.end(), name);
    from.push_back(found == table.names.end() ? std::nullopt
                                              : std::optional(static_cast<size_t>(found - table.names.begin())));
  }
  const Label absent = table.lists_labels ? Label::no : Label::unknown;
  for (size_t r = 0; r < table.rows.size(); ++r)
    for (const auto& l : from) result.labels.push_back(l ? table.of_row(r)[*l] : absent);
  return result;
}

}  // namespace minissl
