#pragma once
#include <filesystem>

#include "data/dataset.h"

namespace minissl {

/// The .jpg, .jpeg and .png files (any case) of a folder and its sub-folders, ordered by the bytes of their relative
/// paths. Direct sub-folders with images at any depth are the classes; images directly in the folder have no label.
/// Hidden files and folders are ignored. Symbolic links are followed; a folder reached twice counts once.
class ImageFolder final : public Dataset {
 public:
  /// Throws Error for a folder that can't be read or has no images.
  /// `max_value` as for open_dataset().
  ImageFolder(const std::string& folder, int channels, int max_value = 0);

  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  Image load(int64_t i) const override;
  int64_t label(int64_t i) const override { return files_[static_cast<size_t>(i)].label; }
  std::string name(int64_t i) const override { return files_[static_cast<size_t>(i)].name; }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  int max_value() const override { return max_value_; }
  LevelCounts levels(int64_t i) const override;

 private:
  struct File {
    std::string name;
    int64_t label;
  };
  std::filesystem::path root_;
  std::vector<File> files_;
  std::vector<std::string> class_names_;
  int channels_, max_value_;
};

}  // namespace minissl
