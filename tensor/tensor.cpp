#include "tensor/tensor.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "tensor/cuda/device.h"
#include "tensor/dry_run.h"

namespace minissl {

Storage::Storage(size_t bytes, Device device, MemoryTag tag)
    : allocator_(allocator(device)),
      block_(allocator_.allocate(bytes, tag)),
      data_(block_),
      bytes_(bytes),
      device_(device),
      tag_(tag) {
  if (!DryRun::active()) return;
  real_ = bytes <= DryRun::small_tensor;
  if (!real_) return;
  small_.resize(std::max<size_t>(bytes, 1));
  data_ = small_.data();
}

Storage::~Storage() { allocator_.deallocate(block_); }

void Storage::retag(MemoryTag tag) {
  if (tag == tag_) return;
  allocator_.retag(block_, tag);
  tag_ = tag;
}

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  require(shape.numel() <= std::numeric_limits<int64_t>::max() / size_of(dtype), "a tensor of shape {} is too large",
          shape);
  Tensor t;
  t.shape_ = shape;
  t.dtype_ = dtype;
  t.storage_ = std::make_shared<Storage>(static_cast<size_t>(t.bytes()), device, TagScope::current());
  return t;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, Device device) {
  Tensor t = empty(shape, dtype, device);
  t.fill(0);
  return t;
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype, Device device) {
  Tensor t = empty(shape, dtype, device);
  t.fill(value);
  return t;
}

template <class T>
Tensor Tensor::from(const Shape& shape, std::span<const T> values) {
  require(static_cast<int64_t>(values.size()) == shape.numel(), "a tensor of shape {} needs {} values, not {}", shape,
          shape.numel(), values.size());
  Tensor t = empty(shape, dtype_of<T>());
  std::copy(values.begin(), values.end(), t.mutable_data<T>());
  return t;
}
template Tensor Tensor::from(const Shape&, std::span<const float>);
template Tensor Tensor::from(const Shape&, std::span<const double>);
template Tensor Tensor::from(const Shape&, std::span<const bfloat16>);
template Tensor Tensor::from(const Shape&, std::span<const int64_t>);
template Tensor Tensor::from(const Shape&, std::span<const uint8_t>);

std::string Tensor::str() const { return defined() ? name_of(dtype_) + shape_.str() : "undefined"; }

namespace {

template <class T>
double to_double(T value) {
  if constexpr (std::is_same_v<T, bfloat16>)
    return static_cast<double>(static_cast<float>(value));
  else
    return static_cast<double>(value);
}

template <class To, class From>
To convert(From value) {
  if constexpr (std::is_same_v<To, From>)
    return value;
  else if constexpr (std::is_same_v<From, bfloat16>)
    return convert<To>(static_cast<float>(value));
  else if constexpr (std::is_same_v<To, bfloat16>)
    return bfloat16(static_cast<float>(value));
  else
    return static_cast<To>(value);
}

}  // namespace

double Tensor::item() const {
  require(numel() == 1, "item() needs a tensor of one element, not {}", *this);
  return at(0);
}

double Tensor::at(int64_t i) const {
  if (!storage_->on_host()) return slice(i, {1}).to(Device{}).at(0);
  return visit_dtype(dtype_, [&](auto type) { return to_double(data<decltype(type)>()[i]); });
}

std::vector<double> Tensor::to_vector() const {
  if (!storage_->on_host()) return to(Device{}).to_vector();
  std::vector<double> values(static_cast<size_t>(numel()));
  visit_dtype(dtype_, [&](auto type) {
    using T = decltype(type);
    const T* from = data<T>();
    std::transform(from, from + numel(), values.begin(), [](T v) { return to_double(v); });
  });
  return values;
}

Tensor Tensor::view(const Shape& shape) const {
  require(shape.numel() == numel(), "{} can't be viewed as {}", *this, shape);
  Tensor t = *this;
  t.shape_ = shape;
  return t;
}

Tensor Tensor::rows(int64_t begin, int64_t end) const {
  require(rank() > 0 && 0 <= begin && begin <= end && end <= dim(0), "rows [{}, {}) are not within {}", begin, end,
          *this);
  Shape shape = shape_;
  shape[0] = end - begin;
  return slice(dim(0) ? begin * (numel() / dim(0)) : 0, shape);
}

Tensor Tensor::slice(int64_t offset, const Shape& shape) const {
  require(offset >= 0 && offset <= numel() && shape.numel() <= numel() - offset,
          "a slice of shape {} at element {} is not within {}", shape, offset, *this);
  Tensor t = *this;
  t.shape_ = shape;
  t.offset_ += offset * size_of(dtype_);
  return t;
}

Tensor Tensor::clone() const {
  Tensor t = empty_like(*this);
  t.copy_from(*this);
  return t;
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor t = empty(shape_, dtype, device());
  t.copy_from(*this);
  return t;
}

Tensor Tensor::to(Device device) const {
  if (device == this->device()) return *this;
  Tensor t = empty(shape_, dtype_, device);
  t.copy_from(*this);
  return t;
}

void Tensor::copy_from(const Tensor& source) const {
  require(shape_ == source.shape_, "can't copy {} into {}", source, *this);
  if (!storage_->real() || !source.storage_->real()) return storage_->bump_version();
  if (!storage_->on_host() || !source.storage_->on_host()) {
    if (device() != source.device() && dtype_ != source.dtype_) return copy_from(source.to(dtype_));
    storage_->bump_version();
    return dtype_ == source.dtype_ ? cuda::copy(source, *this) : cuda::convert(source, *this);
  }
  visit_dtype(dtype_, [&](auto to_type) {
    using To = decltype(to_type);
    To* to = mutable_data<To>();
    visit_dtype(source.dtype_, [&](auto from_type) {
      using From = decltype(from_type);
      const From* from = source.data<From>();
      if constexpr (std::is_same_v<To, From>)
        std::memmove(to, from, static_cast<size_t>(bytes()));
      else
        std::transform(from, from + numel(), to, convert<To, From>);
    });
  });
}

void Tensor::fill(double value) const {
  if (!storage_->real()) return storage_->bump_version();
  if (!storage_->on_host()) return cuda::fill(*this, value);
  visit_dtype(dtype_, [&](auto type) {
    using T = decltype(type);
    T* to = mutable_data<T>();
    std::fill(to, to + numel(), convert<T>(value));
  });
}

void Tensor::require_access(DType wanted, DeviceType by) const {
  require(defined(), "an undefined tensor has no elements");
  require(dtype_ == wanted, "{} can't be read as {}", *this, name_of(wanted));
  require(storage_->real(), "{} has no elements: it is large and was made in a dry run", *this);
  require(by == DeviceType::cpu ? storage_->on_host() : device().type == by,
          "{} is on {}, where {} can't reach it; use to(device)", *this, device(),
          by == DeviceType::cpu ? "the CPU" : "a GPU");
}

}  // namespace minissl
