#include "ssl/parts/path_numbers.h"

#include "nn/backbones/vision_transformer.h"

namespace minissl {

Tensor draw_path_numbers(const Backbone& backbone, int64_t images, const Random& random) {
  const auto* transformer = dynamic_cast<const VisionTransformer*>(&backbone);
  if (transformer == nullptr || transformer->options().drop_path == 0) return {};
  const Tensor numbers = Tensor::empty({transformer->depth(), 2, images});
  for (int64_t i = 0; numbers.storage()->real() && i < numbers.numel(); ++i)
    numbers.mutable_data<float>()[i] = random.uniform(static_cast<uint32_t>(i));
  return numbers;
}

}  // namespace minissl
