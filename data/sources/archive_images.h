#pragma once
#include <memory>

#include "data/dataset.h"
#include "data/sources/byte_source.h"
#include "data/sources/parts.h"

namespace minissl {

/// The images in a tar or zip, by the rules of a folder: what has an image's content or the extension of one is an
/// image, hidden files are ignored, names are ordered, folders are classes. A folder that all others are in is left
/// away, as the one that `tar c photos` writes. If the folders at the top are train and test (or val), they are the
/// parts.
///
/// In a WebDataset (https://github.com/webdataset/webdataset), files of one key (the name up to its first dot) belong
/// together, and KEY.cls has the class of KEY.jpg: a number or a name.
///
/// A tar that isn't compressed is read where it is. Anything else is unpacked once.
class ArchiveImages final : public Dataset {
 public:
  /// Throws Error if the archive is damaged or cut short, or has no images.
  ArchiveImages(const DataPath& path, int channels, int max_value);

  int64_t size() const override { return static_cast<int64_t>(images_.size()); }
  Image load(int64_t i) const override;
  int64_t label(int64_t i) const override { return images_[static_cast<size_t>(i)].label; }
  std::string name(int64_t i) const override { return images_[static_cast<size_t>(i)].name; }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  const std::vector<std::string>& remarks() const override { return remarks_; }
  int64_t bytes(int64_t i) const override { return images_[static_cast<size_t>(i)].bytes; }
  int max_value() const override { return max_value_; }
  void set_max_value(int value) override { max_value_ = value; }
  LevelCounts levels(int64_t i) const override;

 private:
  struct Member {
    std::string name;
    int64_t begin, bytes, label;
  };
  std::vector<std::byte> content_of(const Member& member) const;
  void choose_part(const DataPath& path);
  void take_classes_of_folders();
  void take_classes_of_keys(const std::vector<Member>& classes);

  std::shared_ptr<const ByteSource> bytes_;
  std::vector<Member> images_;
  std::vector<std::string> class_names_, remarks_;
  int channels_, max_value_;
};

}  // namespace minissl
