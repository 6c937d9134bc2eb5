#pragma once
#include <string>
#include <vector>

#include "data/batch.h"
#include "data/dataset.h"

/// What a data set's images are like, measured on some of them.
namespace minissl {

/// `count` images spread evenly over the data set, or all.
std::vector<int64_t> spread_over(int64_t images, int64_t count);

/// Mean and deviation of each colour over the pixels of up to 1000 images, each image counting the same. Throws Error
/// if none can be read or all pixels are alike.
Normalization measure_normalization(const Dataset& dataset, int64_t channels);

/// How many views no longer show their image.
struct LostViews {
  int64_t views = 0;
  int64_t saturated = 0;  ///< brightness and contrast moved more than a third of the pixels to black or white
  /// The noise's deviation exceeds that of the view within blocks of a seventh of its side (32 pixels of 224, what a
  /// cell of a ResNet's last feature map stands for), root mean square over the blocks. Slow changes of brightness,
  /// which noise can't hide, don't count. Not in `saturated`.
  int64_t noisy = 0;

  int64_t lost() const { return saturated + noisy; }
  double share() const { return views == 0 ? 0 : static_cast<double>(lost()) / static_cast<double>(views); }
  /// "31% of the views have lost their image: 20% are saturated (`brightness`, `contrast`), 11% ... (`noise`)".
  std::string sentence() const;
};
/// Draws the views of up to `images` images in the run's first epoch.
LostViews count_lost_views(const Dataset& dataset, const BatchRequest& request, int64_t channels, uint64_t seed,
                           int64_t images = 64);

}  // namespace minissl
