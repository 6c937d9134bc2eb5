#include "apps/reconstruction_picture.h"

#include "apps/run/picture.h"

namespace minissl {

Tensor reconstruction_picture(PaintingMethod& method, Batch batch, const Normalization& normalization) {
  const DType type = method.online().values().dtype();
  for (Tensor& view : batch.views) view = view.to(type).to(method.device());
  for (auto& drawn : batch.drawn) drawn.second = drawn.second.to(method.device());
  const Reconstruction seen = method.reconstruct(batch);
  std::vector<Tensor> sheets;
  for (const Tensor& images : {seen.images, seen.masked, seen.painted})
    if (images.defined()) sheets.push_back(to_pixels(images, normalization));
  return tile(sheets, 3, 2);
}

}  // namespace minissl
