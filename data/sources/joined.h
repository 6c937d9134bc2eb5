#pragma once
#include <memory>

#include "data/dataset.h"

namespace minissl {

/// Several data sets, one after another, as one. Names begin with those of their roots, so that they stay unique;
/// classes of the same name are the same.
class JoinedDatasets final : public Dataset {
 public:
  /// `roots` are what --data says, one for each data set, all different. Throws Error if some have several labels for
  /// an image and others have other ones.
  JoinedDatasets(std::vector<std::unique_ptr<Dataset>> parts, const std::vector<std::string>& roots);

  int64_t size() const override { return begins_.back(); }
  Image load(int64_t i) const override;
  int64_t label(int64_t i) const override;
  std::string name(int64_t i) const override;
  const std::vector<std::string>& class_names() const override { return class_names_; }
  const std::vector<std::string>& label_names() const override { return parts_.front()->label_names(); }
  std::span<const Label> labels(int64_t i) const override;
  std::string patient(int64_t i) const override;
  const std::vector<LeftOut>& left_out() const override { return left_out_; }
  int64_t bytes(int64_t i) const override;
  int max_value() const override;
  void set_max_value(int value) override;
  LevelCounts levels(int64_t i) const override;
  const std::vector<std::string>& remarks() const override { return remarks_; }

 private:
  /// The number of the data set that image i is of; i becomes its number there.
  size_t part_of(int64_t& i) const;
  void merge_classes();

  std::vector<std::unique_ptr<Dataset>> parts_;
  std::vector<std::string> prefixes_;
  std::vector<int64_t> begins_ = {0};  // of each part, and the end
  std::vector<std::string> class_names_, remarks_;
  std::vector<std::vector<int64_t>> class_of_;  // the joined number of each part's classes
  std::vector<LeftOut> left_out_;
};

}  // namespace minissl
