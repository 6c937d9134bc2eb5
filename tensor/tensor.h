#pragma once
#include <memory>
#include <span>
#include <vector>

#include "tensor/device.h"
#include "tensor/dtype.h"
#include "tensor/memory.h"
#include "tensor/shape.h"

namespace minissl {

/// A block of bytes on a device, shared by the tensors that are views of it. `version` counts the requests to write to
/// it, which is how autograd notices that a tensor it saved was changed.
class Storage {
 public:
  Storage(size_t bytes, Device device, MemoryTag tag);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  std::byte* data() const { return data_; }
  /// Whether data() points to memory; false for large tensors of a dry run.
  bool real() const { return real_; }
  /// Whether the CPU can read it. (The small tensors of a dry run are, whatever their device.)
  bool on_host() const { return device_.type == DeviceType::cpu || !small_.empty(); }
  size_t bytes() const { return bytes_; }
  Device device() const { return device_; }
  MemoryTag tag() const { return tag_; }
  void retag(MemoryTag tag);
  uint64_t version() const { return version_; }
  void bump_version() { ++version_; }

 private:
  Allocator& allocator_;
  std::byte* block_;  // from allocator_
  std::byte* data_;
  std::vector<std::byte> small_;  // in a dry run
  bool real_ = true;
  size_t bytes_;
  Device device_;
  MemoryTag tag_;
  uint64_t version_ = 0;
};

/// Numbers in memory on a device. A Tensor is a handle: copies share the bytes. It knows nothing about gradients
/// (autograd/variable.h does). Elements are always contiguous in row-major order; views share the storage and differ in
/// shape and offset. Activations are (N, H, W, C), convolution weights (O, H, W, I), matrices (rows, columns).
class Tensor {
 public:
  /// No tensor: defined() is false.
  Tensor() = default;

  /// Elements with no particular value. Throws Error for a shape whose bytes don't fit 63 bits, OutOfMemory for one
  /// that doesn't fit the memory.
  static Tensor empty(const Shape& shape, DType dtype = DType::f32, Device device = {});
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32, Device device = {});
  static Tensor full(const Shape& shape, double value, DType dtype = DType::f32, Device device = {});
  /// A copy of `values`, on the CPU. Throws Error unless there are shape.numel() of them.
  template <class T>
  static Tensor from(const Shape& shape, std::span<const T> values);
  template <class T>
  static Tensor from(const Shape& shape, const std::vector<T>& values) {
    return from(shape, std::span<const T>(values));
  }
  /// Same shape, type and device as `other`, elements with no particular value.
  static Tensor empty_like(const Tensor& other) { return empty(other.shape(), other.dtype(), other.device()); }
  static Tensor zeros_like(const Tensor& other) { return zeros(other.shape(), other.dtype(), other.device()); }

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  /// Extent of a dimension; negative counts from the end.
  int64_t dim(int i) const { return shape_[i]; }
  int64_t numel() const { return shape_.numel(); }
  int64_t bytes() const { return numel() * size_of(dtype_); }
  DType dtype() const { return dtype_; }
  Device device() const { return storage_ ? storage_->device() : Device{}; }
  /// "f32[2, 3]"
  std::string str() const;

  /// The elements, to be read by `reader`. Throws Error when T is not their type, or `reader` cannot access them.
  template <class T>
  const T* data(DeviceType reader = DeviceType::cpu) const {
    require_access(dtype_of<T>(), reader);
    return reinterpret_cast<const T*>(bytes_begin());
  }
  /// The elements, to be written to: increments the storage's version.
  template <class T>
  T* mutable_data(DeviceType writer = DeviceType::cpu) const {
    require_access(dtype_of<T>(), writer);
    storage_->bump_version();
    return reinterpret_cast<T*>(bytes_begin());
  }
  template <class T>
  std::span<const T> span() const {
    return {data<T>(), static_cast<size_t>(numel())};
  }
  std::byte* bytes_begin() const { return storage_->data() + offset_; }

  /// The only element of a one-element tensor, as double. Waits for the device.
  double item() const;
  /// Element i in row-major order, as double. For tests and printing. Waits for the device.
  double at(int64_t i) const;
  std::vector<double> to_vector() const;

  /// Same elements, another shape. Throws Error unless the element counts agree.
  Tensor view(const Shape& shape) const;
  /// Rows [begin, end) of the outermost dimension, sharing the bytes.
  Tensor rows(int64_t begin, int64_t end) const;
  /// A view of `shape` starting `offset` elements in.
  Tensor slice(int64_t offset, const Shape& shape) const;
  /// A copy with its own storage.
  Tensor clone() const;
  /// A copy with elements converted to `dtype`; the tensor itself if it has that type already.
  Tensor to(DType dtype) const;
  /// A copy on `device`; the tensor itself if it is there already.
  Tensor to(Device device) const;
  /// Overwrites the elements with those of `source`, which has the same shape; devices and element types may differ.
  void copy_from(const Tensor& source) const;
  void fill(double value) const;

  const std::shared_ptr<Storage>& storage() const { return storage_; }
  /// Its beginning in the storage, in elements of its type.
  int64_t offset() const { return offset_ / size_of(dtype_); }
  /// True when no other handle shares this storage.
  bool unique() const { return storage_.use_count() == 1; }

 private:
  void require_access(DType wanted, DeviceType by) const;

  std::shared_ptr<Storage> storage_;
  int64_t offset_ = 0;  // in bytes
  Shape shape_;
  DType dtype_ = DType::f32;
};

}  // namespace minissl
