#include "ssl/parts/mask_tensors.h"

#include "tensor/ops/random_mask.h"

namespace minissl {

Tensor restore_of(const Tensor& noise) {
  const int64_t patches = noise.dim(1);
  const std::vector<double> values = noise.to_vector();
  Tensor restore = Tensor::empty(noise.shape(), DType::i64);
  for (int64_t i = 0; i < noise.numel(); ++i)
    restore.mutable_data<int64_t>()[i] = ops::rank_in_row(values.data() + i / patches * patches, patches, i % patches);
  return restore;
}

Tensor order_of(const Tensor& noise) {
  const int64_t patches = noise.dim(1);
  const Tensor restore = restore_of(noise);
  Tensor order = Tensor::empty(noise.shape(), DType::i64);
  for (int64_t i = 0; i < noise.numel(); ++i)
    order.mutable_data<int64_t>()[i / patches * patches + restore.data<int64_t>()[i]] = i % patches;
  return order;
}

Tensor hidden_of(const Tensor& noise, int64_t kept, DType dtype) {
  const Tensor restore = restore_of(noise);
  std::vector<double> hidden;
  for (const int64_t place : restore.span<int64_t>()) hidden.push_back(place >= kept ? 1 : 0);
  return Tensor::from<double>(restore.shape(), hidden).to(dtype);
}

Tensor errors_of_patches(const Tensor& pred, const Tensor& target) {
  const std::vector<double> p = pred.to_vector(), t = target.to_vector();
  std::vector<double> errors(static_cast<size_t>(pred.shape().leading(1)));
  const size_t width = p.size() / errors.size();
  for (size_t i = 0; i < p.size(); ++i) errors[i / width] += (p[i] - t[i]) * (p[i] - t[i]) / static_cast<double>(width);
  return Tensor::from<double>({pred.dim(0), pred.dim(1)}, errors).to(pred.dtype());
}

}  // namespace minissl
