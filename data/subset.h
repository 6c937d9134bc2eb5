#pragma once
#include <memory>
#include <utility>

#include "data/dataset.h"

namespace minissl {

/// Some images of a data set, with all that is known of them.
class Subset : public Dataset {
 public:
  /// `images`: their numbers in `whole`, in the order of the subset.
  Subset(std::shared_ptr<const Dataset> whole, std::vector<int64_t> images)
      : whole_(std::move(whole)), images_(std::move(images)) {}

  int64_t size() const override { return static_cast<int64_t>(images_.size()); }
  Image load(int64_t i) const override { return whole_->load(in_whole(i)); }
  int64_t label(int64_t i) const override { return whole_->label(in_whole(i)); }
  std::string name(int64_t i) const override { return whole_->name(in_whole(i)); }
  const std::vector<std::string>& class_names() const override { return whole_->class_names(); }
  const std::vector<std::string>& label_names() const override { return whole_->label_names(); }
  std::span<const Label> labels(int64_t i) const override { return whole_->labels(in_whole(i)); }
  std::string patient(int64_t i) const override { return whole_->patient(in_whole(i)); }
  int64_t bytes(int64_t i) const override { return whole_->bytes(in_whole(i)); }
  int max_value() const override { return whole_->max_value(); }
  const std::vector<LeftOut>& left_out() const override { return whole_->left_out(); }
  const std::vector<std::string>& remarks() const override { return whole_->remarks(); }
  int64_t whole_size() const override { return whole_->whole_size(); }

 protected:
  const Dataset& whole() const { return *whole_; }
  void add(int64_t image) { images_.push_back(image); }

 private:
  int64_t in_whole(int64_t i) const { return images_[static_cast<size_t>(i)]; }

  std::shared_ptr<const Dataset> whole_;
  std::vector<int64_t> images_;
};

}  // namespace minissl
