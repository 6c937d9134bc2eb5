#include "ssl/parts/multi_crop.h"

#include "autograd/functions.h"
#include "nn/backbones/vision_transformer.h"

namespace minissl {
namespace {

// All their images as one batch.
Tensor joined(std::span<const Tensor> crops) {
  if (crops.size() == 1) return crops[0];
  const TagScope tag(MemoryTag::data);
  const Tensor& first = crops.front();
  const auto count = static_cast<int64_t>(crops.size()), images = first.dim(0);
  Tensor all = Tensor::empty({count * images, first.dim(1), first.dim(2), first.dim(3)}, first.dtype(), first.device());
  for (int64_t c = 0; c < count; ++c) all.rows(c * images, (c + 1) * images).copy_from(crops[static_cast<size_t>(c)]);
  return all;
}

}  // namespace

Variable multi_crop(Backbone& backbone, std::span<const Tensor> crops, const Tensor& drop) {
  require(!crops.empty(), "there are no crops");
  Variable features;
  for (size_t begin = 0, end = 0; begin < crops.size(); begin = end) {
    while (end < crops.size() && crops[end].shape() == crops[begin].shape()) ++end;
    const Tensor images = joined(crops.subspan(begin, end - begin));
    const int64_t first = static_cast<int64_t>(begin) * crops[begin].dim(0);
    const Variable of_one_size = drop.defined()
                                     ? dynamic_cast<VisionTransformer&>(backbone).forward(images, {drop, first})
                                     : backbone.forward(images);
    features = features.defined() ? concat_rows(features, of_one_size) : of_one_size;
  }
  return features;
}

}  // namespace minissl
