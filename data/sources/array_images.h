#pragma once
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/sources/byte_source.h"

namespace minissl {

/// Images of one size whose pixels stand one after another, as CIFAR's, MNIST's and MedMNIST's files have them. Reading
/// one is a read at an offset.
class ArrayImages final : public Dataset {
 public:
  struct Layout {
    int64_t height = 0, width = 0, channels = 0;  ///< 1 or 3 channels, 8 bits each
    bool planar = false;                          ///< all red first, then green, then blue; else (H, W, C)
    int64_t bytes() const { return height * width * channels; }
  };
  /// Consecutive images of one file.
  struct Block {
    std::shared_ptr<const ByteSource> bytes;
    std::string name;       ///< image i of it is called NAME/i
    int64_t first, stride;  ///< in bytes: the first image, and from one image to the next
    int64_t count;
  };
  /// One class, or several labels, for each image.
  struct Annotation {
    std::vector<int64_t> classes = {};  ///< -1: none; empty: no image has one
    std::vector<std::string> class_names = {};
    std::vector<Label> labels = {};  ///< label_names.size() for each image
    std::vector<std::string> label_names = {};
  };

  /// Throws Error if a block is larger than its file, or the images are too large to be images.
  ArrayImages(const Layout& layout, std::vector<Block> blocks, Annotation annotation, int channels,
              std::vector<std::string> remarks = {});

  int64_t size() const override { return size_; }
  Image load(int64_t i) const override;
  int64_t label(int64_t i) const override;
  std::string name(int64_t i) const override;
  const std::vector<std::string>& class_names() const override { return annotation_.class_names; }
  const std::vector<std::string>& label_names() const override { return annotation_.label_names; }
  std::span<const Label> labels(int64_t i) const override;
  const std::vector<std::string>& remarks() const override { return remarks_; }

 private:
  /// The block of image i, which becomes the image's number in it.
  const Block& block_of(int64_t& i) const;

  Layout layout_;
  std::vector<Block> blocks_;
  Annotation annotation_;
  std::vector<std::string> remarks_;
  int channels_;
  int64_t size_ = 0;
};

}  // namespace minissl
