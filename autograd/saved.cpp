#include "autograd/saved.h"

#include "autograd/variable.h"
#include "tensor/cuda/graph.h"

namespace minissl {
namespace {

#ifdef NDEBUG
uint64_t digest_of(const Tensor&) { return 0; }
#else
// FNV-1a over the bytes. While a CUDA graph records, there are no bytes yet; the step before has checked them.
uint64_t digest_of(const Tensor& t) {
  if (!t.storage()->real() || cuda::Graph::recording()) return 0;
  const Tensor here = t.to(Device{});
  uint64_t hash = 14695981039346656037u;
  for (int64_t i = 0; i < t.bytes(); ++i) hash = (hash ^ static_cast<uint64_t>(here.bytes_begin()[i])) * 1099511628211u;
  return hash;
}
#endif

}  // namespace

Saved::Saved(Tensor tensor) : tensor_(std::move(tensor)) {
  if (tensor_.defined()) version_ = tensor_.storage()->version();
}

Saved::Saved(const Variable& variable) : Saved(variable.recomputed() ? Tensor() : variable.value()) {
  recomputed_ = variable.recomputed();
}

Tensor Saved::get(const char* reader) const {
  if (recomputed_) return recomputed_->get(reader);
  if (!tensor_.defined()) return {};
  const uint64_t version = tensor_.storage()->version();
  require(version == version_,
          "{}: the tensor {} it saved for backward was changed in place since ({} writes); change it after backward(), "
          "or give the operation a copy",
          reader, tensor_, version - version_);
  return tensor_;
}

Shape Saved::shape() const { return recomputed_ ? recomputed_->shape() : tensor_.shape(); }

DType Saved::dtype() const { return recomputed_ ? recomputed_->dtype() : tensor_.dtype(); }

Recomputed::Recomputed(const Tensor& original, Recompute lifetime, std::vector<Saved> inputs, Recipe recipe)
    : shape_(original.shape()),
      dtype_(original.dtype()),
      digest_(digest_of(original)),
      lifetime_(lifetime),
      inputs_(std::move(inputs)),
      recipe_(std::move(recipe)) {}

// Recursion is as deep as the longest chain of tensors not kept: the layers of a stage, or of the network.
Tensor Recomputed::get(const char* reader) {
  if (again_.defined()) return again_;
  std::vector<Tensor> inputs;
  inputs.reserve(inputs_.size());
  for (const Saved& input : inputs_) inputs.push_back(input.get(reader));
  Tensor again = recipe_(inputs);
  check(again, reader);
  again.storage()->retag(MemoryTag::recomputed);
  if (lifetime_ == Recompute::once) again_ = again;
  return again;
}

void Recomputed::check(const Tensor& again, const char* reader) const {
  require(again.shape() == shape_ && again.dtype() == dtype_, "{}: what it reads was {}{} and is {} when recomputed",
          reader, name_of(dtype_), shape_, again);
  require(digest_of(again) == digest_, "{}: what it reads, {}, has other bits when recomputed", reader, again);
}

}  // namespace minissl
