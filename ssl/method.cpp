#include "ssl/method.h"

namespace minissl {

BatchRequest Method::request(const Augmentation& augmentation, int64_t size) const {
  return {views(augmentation, size), [this, size](BatchDraw from) {
            from.size = size;
            return draw(from);
          }};
}

std::string Method::check_data(int64_t /*images*/, int64_t batch) const {
  const int64_t groups = batch_groups();
  require(batch % groups == 0 && batch / groups > 1,
          "`bn` split:{} needs batches of a multiple of {} images with two or more in each group, not {}", groups,
          groups, batch);
  return {};
}

}  // namespace minissl
