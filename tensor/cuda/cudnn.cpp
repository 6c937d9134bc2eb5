#include "tensor/cuda/cudnn.h"

namespace minissl::cuda::cudnn {

void check(cudnnStatus_t status, const char* what) {
  if (status == CUDNN_STATUS_SUCCESS) [[likely]]
    return;
  char words[512] = "";
  cudnnGetLastErrorString(words, sizeof words);
  fail("cuDNN: {}: {} {}", what, cudnnGetErrorString(status), words);
}

Descriptor::Descriptor(cudnnBackendDescriptorType_t type) {
  cudnnBackendDescriptor_t descriptor = nullptr;
  check(cudnnBackendCreateDescriptor(type, &descriptor), "making a descriptor");
  handle_.reset(descriptor);
}

Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                            const void* values) {
  check(cudnnBackendSetAttribute(get(), name, type, count, values), "setting an attribute");
  return *this;
}

int64_t Descriptor::read(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                         void* values) const {
  int64_t there = 0;
  check(cudnnBackendGetAttribute(get(), name, type, count, &there, values), "reading an attribute");
  return there;
}

Descriptor& Descriptor::finalize() {
  check(cudnnBackendFinalize(get()), "finalizing a descriptor");
  return *this;
}

bool Descriptor::try_finalize() { return cudnnBackendFinalize(get()) == CUDNN_STATUS_SUCCESS; }

Descriptor Descriptor::descriptor(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type) const {
  Descriptor result(type);
  cudnnBackendDescriptor_t handle = result.get();
  read(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &handle);
  return result;
}

std::vector<Descriptor> Descriptor::descriptors(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type,
                                                int64_t most) const {
  std::vector<Descriptor> result;
  std::vector<cudnnBackendDescriptor_t> handles;
  for (int64_t i = 0; i < most; ++i) handles.push_back(result.emplace_back(type).get());
  const int64_t there = most > 0 ? read(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, most, handles.data()) : 0;
  result.erase(result.begin() + there, result.end());
  return result;
}

Descriptor device_properties(int device) {
  Descriptor properties(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  properties.set(CUDNN_ATTR_DEVICEPROP_DEVICE_ID, static_cast<int32_t>(device)).finalize();
  return properties;
}

Descriptor device_properties(const std::string& json) {
  Descriptor properties(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  properties.set_all(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, json).finalize();
  return properties;
}

}  // namespace minissl::cuda::cudnn
