#include "ssl/step/step_description.h"

namespace minissl {

Batch empty_batch(const Method& method, const StepDescription& step, Device device) {
  const TagScope tag(MemoryTag::data);
  const int64_t count = step.images[0];
  const BatchRequest request = method.request({}, step.images[1]);
  Batch batch;
  for (int64_t view = 0; view < request.views(); ++view) {
    const int64_t size = request.group_of(view).size;
    batch.views.push_back(Tensor::empty({count, size, size, step.images[3]}, step.activations, device));
  }
  batch.drawn = request.drawn({0, 0, count});
  return batch;
}

}  // namespace minissl
