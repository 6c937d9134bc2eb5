#pragma once
#include <memory>

#include "data/labels/label_table.h"

namespace minissl {

/// The images of a data set that a table of labels lists, with these labels. An image's row is the one whose path is
/// its name, or else ends with its name, or with which its name ends, folder by folder: NIH's rows have names of files
/// alone, CheXpert's a folder more than its images.
class LabelledImages final : public Dataset {
 public:
  /// Throws Error if an image may be of two rows, or a row of two images, or no image has a row.
  LabelledImages(std::shared_ptr<const Dataset> images, const LabelTable& table);

  int64_t size() const override { return static_cast<int64_t>(chosen_.size()); }
  Image load(int64_t i) const override { return images_->load(at(i).image); }
  int64_t label(int64_t) const override { return -1; }
  std::string name(int64_t i) const override { return images_->name(at(i).image); }
  const std::vector<std::string>& class_names() const override;
  const std::vector<std::string>& label_names() const override { return table_.names; }
  std::span<const Label> labels(int64_t i) const override { return table_.of_row(at(i).row); }
  std::string patient(int64_t i) const override { return table_.rows[at(i).row].patient; }
  const std::vector<LeftOut>& left_out() const override { return images_->left_out(); }
  const std::vector<std::string>& remarks() const override { return images_->remarks(); }
  int64_t whole_size() const override { return images_->whole_size(); }
  int64_t bytes(int64_t i) const override { return images_->bytes(at(i).image); }
  int max_value() const override { return images_->max_value(); }

  /// Which images have no row, and are left out; empty if all have one.
  const std::string& images_without_row() const { return images_without_row_; }
  /// For each row of the table, whether it has an image.
  std::vector<bool> matched_rows() const;
  /// Which images have no row and which rows no image, a line each.
  std::vector<std::string> join_remarks() const;

 private:
  struct Chosen {
    int64_t image;
    size_t row;
  };
  const Chosen& at(int64_t i) const { return chosen_[static_cast<size_t>(i)]; }

  std::shared_ptr<const Dataset> images_;
  LabelTable table_;
  std::vector<Chosen> chosen_;
  std::string images_without_row_;
};

/// A line that counts the rows of a table that matched no image, and names the first; empty if all matched.
std::string rows_without_image(const LabelTable& table, const std::vector<bool>& matched);

}  // namespace minissl
