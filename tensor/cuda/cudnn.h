#pragma once
#include <cudnn.h>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tensor/error.h"

/// cuDNN's graph ("backend") interface, whose descriptors are bags of attributes; internal.
namespace minissl::cuda::cudnn {

/// Throws Error with cuDNN's own message unless the call succeeded.
void check(cudnnStatus_t status, const char* what);

/// The tag for attributes of a C++ type.
template <class T>
constexpr cudnnBackendAttributeType_t attribute_type() {
  if constexpr (std::is_same_v<T, int64_t>)
    return CUDNN_TYPE_INT64;
  else if constexpr (std::is_same_v<T, int32_t>)
    return CUDNN_TYPE_INT32;
  else if constexpr (std::is_same_v<T, float>)
    return CUDNN_TYPE_FLOAT;
  else if constexpr (std::is_same_v<T, double>)
    return CUDNN_TYPE_DOUBLE;
  else if constexpr (std::is_same_v<T, char>)
    return CUDNN_TYPE_CHAR;
  else if constexpr (std::is_same_v<T, cudnnDataType_t>)
    return CUDNN_TYPE_DATA_TYPE;
  else if constexpr (std::is_same_v<T, cudnnConvolutionMode_t>)
    return CUDNN_TYPE_CONVOLUTION_MODE;
  else if constexpr (std::is_same_v<T, cudnnBackendHeurMode_t>)
    return CUDNN_TYPE_HEUR_MODE;
  else if constexpr (std::is_same_v<T, cudnnBackendKnobType_t>)
    return CUDNN_TYPE_KNOB_TYPE;
  else if constexpr (std::is_same_v<T, cudnnBackendNumericalNote_t>)
    return CUDNN_TYPE_NUMERICAL_NOTE;
  else if constexpr (std::is_same_v<T, cudnnBackendBehaviorNote_t>)
    return CUDNN_TYPE_BEHAVIOR_NOTE;
  else if constexpr (std::is_same_v<T, cudnnBackendDescriptor_t>)
    return CUDNN_TYPE_BACKEND_DESCRIPTOR;  // and void*, which is the same type: see set_pointers
  else
    static_assert(!sizeof(T), "cuDNN has no attributes of this type");
}

/// A descriptor: attributes are set, then it is finalized, then it is read or becomes part of others. Some must outlive
/// those, so all of them are kept as long as the plan.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type);

  cudnnBackendDescriptor_t get() const { return handle_.get(); }

  template <class T>
  Descriptor& set(cudnnBackendAttributeName_t name, const T& value) {
    return set(name, attribute_type<T>(), 1, &value);
  }
  Descriptor& set(cudnnBackendAttributeName_t name, const Descriptor& value) { return set(name, value.get()); }
  template <class Range>
  Descriptor& set_all(cudnnBackendAttributeName_t name, const Range& values) {
    return set(name, attribute_type<typename Range::value_type>(), static_cast<int64_t>(std::size(values)),
               std::data(values));
  }
  Descriptor& set_pointers(cudnnBackendAttributeName_t name, const std::vector<void*>& values) {
    return set(name, CUDNN_TYPE_VOID_PTR, static_cast<int64_t>(values.size()), values.data());
  }
  Descriptor& finalize();
  /// The same; false where cuDNN does not support what is asked for.
  bool try_finalize();

  template <class T>
  T value(cudnnBackendAttributeName_t name) const {
    T result{};
    read(name, attribute_type<T>(), 1, &result);
    return result;
  }
  template <class T>
  std::vector<T> values(cudnnBackendAttributeName_t name) const {
    std::vector<T> result(static_cast<size_t>(read(name, attribute_type<T>(), 0, nullptr)));
    if (!result.empty())
      result.resize(
          static_cast<size_t>(read(name, attribute_type<T>(), static_cast<int64_t>(result.size()), result.data())));
    return result;
  }
  /// An attribute that is a descriptor, or several, of this type.
  Descriptor descriptor(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type) const;
  std::vector<Descriptor> descriptors(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type,
                                      int64_t most) const;
  /// The most there can be, by cuDNN. (For some attributes it says 0.)
  int64_t count_descriptors(cudnnBackendAttributeName_t name) const {
    return read(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, nullptr);
  }

 private:
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                  const void* values);
  int64_t read(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count, void* values) const;

  struct Destroy {
    void operator()(cudnnBackendDescriptor_t descriptor) const { cudnnBackendDestroyDescriptor(descriptor); }
  };
  std::unique_ptr<void, Destroy> handle_;
};

/// The device that plans are made for.
Descriptor device_properties(int device);
/// The same without that device, from what CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION gave on a machine that has one.
Descriptor device_properties(const std::string& json);

}  // namespace minissl::cuda::cudnn
