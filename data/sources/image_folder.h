#pragma once
#include <filesystem>

#include "data/sources/folder_scan.h"

namespace minissl {

/// The images of a folder and its sub-folders (data/sources/folder_scan.h), ordered by the bytes of their relative
/// paths. Direct sub-folders with images at any depth are the classes; images directly in the folder have no label.
class ImageFolder final : public Dataset {
 public:
  /// Throws Error for a folder that can't be read.
  ImageFolder(const std::string& folder, int channels, int max_value = 0);

  int64_t size() const override { return static_cast<int64_t>(names_.size()); }
  Image load(int64_t i) const override;
  int64_t label(int64_t i) const override { return labels_[static_cast<size_t>(i)]; }
  std::string name(int64_t i) const override { return std::string(names_[static_cast<size_t>(i)]); }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  const std::vector<LeftOut>& left_out() const override { return left_out_; }
  int64_t bytes(int64_t i) const override;
  int max_value() const override { return max_value_; }
  void set_max_value(int value) override { max_value_ = value; }
  LevelCounts levels(int64_t i) const override;

 private:
  std::filesystem::path path_of(int64_t i) const { return root_ / name(i); }

  std::filesystem::path root_;
  StringTable names_;
  std::vector<int32_t> labels_;
  std::vector<std::string> class_names_;
  std::vector<LeftOut> left_out_;
  int channels_, max_value_;
};

}  // namespace minissl
