#include "nn/parameters.h"

#include "nn/module.h"
#include "tensor/dry_run.h"
#include "tensor/random.h"

namespace minissl {
namespace {

// Sets every element to draw(random numbers, index).
template <class F>
void fill_with(const Tensor& t, uint64_t seed, const std::string& name, F&& draw) {
  if (DryRun::active()) return;
  const Random random(seed, RandomSite::initialization, 0, hash_name(name));
  const Tensor drawn = t.storage()->on_host() ? t : Tensor::empty(t.shape(), t.dtype());
  visit_arithmetic(t.dtype(), [&](auto type) {
    using T = decltype(type);
    T* values = drawn.mutable_data<T>();
    for (int64_t i = 0; i < t.numel(); ++i) values[i] = static_cast<T>(draw(random, static_cast<uint32_t>(i)));
  });
  if (!t.storage()->on_host()) t.copy_from(drawn);
}

}  // namespace

Variable parameter(const Shape& shape) {
  const TagScope tag(MemoryTag::parameter);
  return Variable::leaf(Tensor::zeros(shape, DType::f32, DeviceScope::current()));
}

Tensor buffer(const Shape& shape, double value, DType dtype) {
  const TagScope tag(MemoryTag::parameter);
  return Tensor::full(shape, value, dtype, DeviceScope::current());
}

void draw_normal(const Tensor& parameter, float deviation, uint64_t seed, const std::string& name) {
  fill_with(parameter, seed, name, [=](const Random& random, uint32_t i) { return deviation * random.normal(i); });
}

void draw_uniform(const Tensor& parameter, float bound, uint64_t seed, const std::string& name) {
  fill_with(parameter, seed, name, [=](const Random& random, uint32_t i) { return random.uniform(i, -bound, bound); });
}

}  // namespace minissl
