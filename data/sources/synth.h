#pragma once
#include "data/dataset.h"

namespace minissl {

/// Phantom radiographs (data/phantom/phantom.h) generated on the fly. Image i depends on (seed, i) alone; its finding
/// is i mod 3, so the classes normal, opacity and enlarged_heart are equally frequent.
class SyntheticRadiographs final : public Dataset {
 public:
  SyntheticRadiographs(int64_t count, int64_t size, int channels, uint64_t seed);

  int64_t size() const override { return count_; }
  Image load(int64_t i) const override;
  int64_t label(int64_t i) const override { return i % 3; }
  std::string name(int64_t i) const override;
  const std::vector<std::string>& class_names() const override;

 private:
  int64_t count_, size_;
  int channels_;
  uint64_t seed_;
};

}  // namespace minissl
