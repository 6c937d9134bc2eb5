#pragma once
#include "data/labels/label_table.h"
#include "data/subset.h"

namespace minissl {

/// The images of a data set that a table of labels lists, with these labels. An image's row is the one whose path is
/// its name, or else ends with its name, or with which its name ends, folder by folder: NIH's rows have names of files
/// alone, CheXpert's a folder more than its images.
class LabelledImages final : public Subset {
 public:
  /// Throws Error if an image may be of two rows, or a row of two images, or no image has a row.
  LabelledImages(std::shared_ptr<const Dataset> images, const LabelTable& table);

  int64_t label(int64_t) const override { return -1; }
  const std::vector<std::string>& class_names() const override;
  const std::vector<std::string>& label_names() const override { return table_.names; }
  std::span<const Label> labels(int64_t i) const override { return table_.of_row(row_of(i)); }
  std::string patient(int64_t i) const override { return table_.rows[row_of(i)].patient; }

  /// Which images have no row, and are left out; empty if all have one.
  const std::string& images_without_row() const { return images_without_row_; }
  /// For each row of the table, whether it has an image.
  std::vector<bool> matched_rows() const;
  /// Which images have no row and which rows no image, a line each.
  std::vector<std::string> join_remarks() const;

 private:
  size_t row_of(int64_t i) const { return rows_[static_cast<size_t>(i)]; }

  LabelTable table_;
  std::vector<size_t> rows_;  // of the images
  std::string images_without_row_;
};

/// A line that counts the rows of a table that matched no image, and names the first; empty if all matched.
std::string rows_without_image(const LabelTable& table, const std::vector<bool>& matched);

}  // namespace minissl
