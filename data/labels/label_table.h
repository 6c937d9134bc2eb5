#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace minissl {

/// What an uncertain label (-1 in CheXpert) counts as.
enum class Uncertain { ignore, no, yes };

/// Labels of images, from a file of comma-separated values. Its form is told by its first line:
///   `path,labels` or `path,labels,patient`, or no such line: an image's labels are separated by ';', a label that
///   isn't known is written ?LABEL, and none are nothing; NIH ChestX-ray14's Data_Entry_2017.csv (Wang et al. 2017),
///   with "Image Index", "Finding Labels" separated by '|' and "Patient ID"; "No Finding" is no label; CheXpert's
///   train.csv (Irvin et al. 2019), with "Path" and a column for each label: 1, 0, -1 (uncertain), or nothing, which
///   means that the report doesn't mention it and counts as 0. The patient is in the path.
struct LabelTable {
  struct Row {
    std::string path, patient;  ///< patient: empty if not known
    int64_t line = 0;           ///< of the file
  };
  std::filesystem::path file;
  std::vector<std::string> names;  ///< of the labels
  std::vector<Row> rows;           ///< with different paths
  std::vector<Label> labels;       ///< names.size() for each row
  bool lists_labels = true;        ///< a label that isn't among an image's is one that it doesn't have

  std::span<const Label> of_row(size_t row) const {
    return std::span(labels).subspan(row * names.size(), names.size());
  }
};

/// Throws Error, with the line, for a file that has none of the forms, contradicts itself, or has no labels at all.
LabelTable read_label_table(const std::filesystem::path& file, Uncertain uncertain = Uncertain::ignore);

/// The same table with these labels, in this order. Those that it doesn't have are `no` where labels are listed, else
/// unknown.
LabelTable with_names(const LabelTable& table, const std::vector<std::string>& names);

}  // namespace minissl
