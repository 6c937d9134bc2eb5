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

void MultiCropOptions::visit(OptionVisitor& visitor) {
  visitor.visit_number("local-crops", local_crops, {0, 100}, "small crops of each image, besides the two large ones");
  visitor.visit_number("local-size", local_size, {1, 1 << 14}, "their size in pixels");
  visitor.visit_interval("global-crop-scale", global_crop_scale, Range::above(0, 1),
                         "fraction of the area that large crops cover; takes the place of crop-scale");
  visitor.visit_interval("local-crop-scale", local_crop_scale, Range::above(0, 1), "the same for small crops");
}

std::vector<ViewGroup> MultiCropOptions::views(const Augmentation& augmentation, int64_t size) const {
  const auto group = [&](const char* name, int64_t count, int64_t side, const std::array<double, 2>& scale) {
    ViewGroup views{.name = name, .count = count, .size = side, .augmentation = augmentation};
    views.augmentation.crop_scale = {static_cast<float>(scale[0]), static_cast<float>(scale[1])};
    return views;
  };
  std::vector<ViewGroup> groups{group("view", 2, size, global_crop_scale)};
  if (local_crops > 0) groups.push_back(group("local", local_crops, local_size, local_crop_scale));
  return groups;
}

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
