#include <algorithm>
#include <cuda.h>
#include <map>
#include <vector>

#include "tensor/cuda/device.h"
#include "tensor/cuda/runtime.h"

// Memory of a device, for its allocator. Segments grow in place, as on the CPU, by virtual memory management (CUDA
// driver API, "Virtual Memory Management"): each segment reserves addresses for all of the device's memory, and memory
// is mapped to them as it is needed. Blocks of cudaMalloc cannot grow; it is used where there is nothing better.
namespace minissl::cuda {
namespace {

size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

// Functions of the driver are looked up by name: a program that is linked with it does not start where there is none.
template <class Function>
Function driver_function(const char* name) {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult result{};
#if CUDART_VERSION >= 12050
  check(cudaGetDriverEntryPointByVersion(name, &found, 12000, cudaEnableDefault, &result), name);
#else
  check(cudaGetDriverEntryPoint(name, &found, cudaEnableDefault, &result), name);
#endif
  require(result == cudaDriverEntryPointSuccess, "CUDA: this driver has no {}; a newer one is needed", name);
  return reinterpret_cast<Function>(found);
}

struct Driver {
#define MINISSL_DRIVER_FUNCTION(member, function) \
  decltype(&function) member = driver_function<decltype(&function)>(#function)
  MINISSL_DRIVER_FUNCTION(get_attribute, cuDeviceGetAttribute);
  MINISSL_DRIVER_FUNCTION(get_error, cuGetErrorString);
  MINISSL_DRIVER_FUNCTION(get_granularity, cuMemGetAllocationGranularity);
  MINISSL_DRIVER_FUNCTION(reserve, cuMemAddressReserve);
  MINISSL_DRIVER_FUNCTION(free_addresses, cuMemAddressFree);
  MINISSL_DRIVER_FUNCTION(create, cuMemCreate);
  MINISSL_DRIVER_FUNCTION(release, cuMemRelease);
  MINISSL_DRIVER_FUNCTION(map, cuMemMap);
  MINISSL_DRIVER_FUNCTION(unmap, cuMemUnmap);
  MINISSL_DRIVER_FUNCTION(set_access, cuMemSetAccess);
#undef MINISSL_DRIVER_FUNCTION

  void check(CUresult status, const char* what) const {
    if (status == CUDA_SUCCESS) return;
    const char* reason = nullptr;
    get_error(status, &reason);
    fail("CUDA: {}: {}", what, reason ? reason : "unknown error");
  }
};

const Driver& driver() {
  static const Driver instance;
  return instance;
}

// Reading and writing bytes, for memory of either kind.
class DeviceMemory : public MemorySource {
 public:
  explicit DeviceMemory(Device device) : device_(device) { stream(device); }
  void fill(std::byte* begin, std::byte value, size_t bytes) final {
    check(cudaMemsetAsync(begin, static_cast<int>(value), bytes, stream(device_)), "cudaMemset");
  }
  bool holds(const std::byte* begin, std::byte value, size_t bytes) final {
    std::vector<std::byte> copy(bytes);
    check(cudaMemcpyAsync(copy.data(), begin, bytes, cudaMemcpyDefault, stream(device_)), "cudaMemcpy");
    synchronize(device_);
    return std::all_of(copy.begin(), copy.end(), [value](std::byte b) { return b == value; });
  }

 protected:
  Device device_;
};

class GrowingMemory final : public DeviceMemory {
 public:
  explicit GrowingMemory(Device device) : DeviceMemory(device) {
    kind_.type = CU_MEM_ALLOCATION_TYPE_PINNED;
    kind_.location = {CU_MEM_LOCATION_TYPE_DEVICE, device.index};
    driver().check(driver().get_granularity(&granularity_, &kind_, CU_MEM_ALLOC_GRANULARITY_RECOMMENDED),
                   "granularity of memory");
    room_ = round_up(static_cast<size_t>(properties(device).memory), granularity_);
  }

  static bool is_possible(Device device) {
    int possible = 0;
    stream(device);
    driver().check(
        driver().get_attribute(&possible, CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED, device.index),
        "asking for virtual memory management");
    return possible != 0;
  }

  std::byte* take(size_t bytes) override {
    stream(device_);
    CUdeviceptr begin = 0;
    if (bytes > room_ || driver().reserve(&begin, room_, 0, 0, 0) == CUDA_ERROR_OUT_OF_MEMORY) return nullptr;
    require(begin != 0, "CUDA: no addresses could be set aside for {} bytes", room_);
    if (add(begin, 0, bytes)) return address(begin);
    driver().check(driver().free_addresses(begin, room_), "cuMemAddressFree");
    return nullptr;
  }

  bool extend(std::byte* end, size_t bytes) override {
    stream(device_);
    // The last segment that begins before `end`.
    const auto segment = std::prev(segments_.lower_bound(number(end)));
    return add(segment->first, number(end) - segment->first, bytes);
  }

  // Unlike cudaFree, unmapping does not wait for kernels that use the memory.
  void give_back(std::byte* memory, size_t) noexcept override {
    cudaStreamSynchronize(stream(device_));
    const auto segment = segments_.find(number(memory));
    CUdeviceptr piece = segment->first;
    for (const size_t bytes : segment->second) {
      driver().unmap(piece, bytes);
      piece += bytes;
    }
    driver().free_addresses(segment->first, room_);
    segments_.erase(segment);
  }

 private:
  static std::byte* address(CUdeviceptr number) { return reinterpret_cast<std::byte*>(number); }
  static CUdeviceptr number(const std::byte* address) { return reinterpret_cast<CUdeviceptr>(address); }

  // Maps memory to [begin + used, begin + used + bytes) where that has none yet: mappings are multiples of the
  // granularity, requests need not be.
  bool add(CUdeviceptr begin, size_t used, size_t bytes) {
    std::vector<size_t>& pieces = segments_[begin];
    size_t mapped = 0;
    for (const size_t piece : pieces) mapped += piece;
    if (used + bytes <= mapped) return true;
    const size_t more = round_up(used + bytes - mapped, granularity_);
    CUmemGenericAllocationHandle memory{};
    const CUresult status =
        mapped + more > room_ ? CUDA_ERROR_OUT_OF_MEMORY : driver().create(&memory, more, &kind_, 0);
    if (status == CUDA_ERROR_OUT_OF_MEMORY) {
      if (pieces.empty()) segments_.erase(begin);
      return false;
    }
    driver().check(status, "cuMemCreate");
    const CUmemAccessDesc access{kind_.location, CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
    driver().check(driver().map(begin + mapped, more, 0, memory, 0), "cuMemMap");
    driver().check(driver().release(memory), "cuMemRelease");  // the mapping holds it from now on
    driver().check(driver().set_access(begin + mapped, more, &access, 1), "cuMemSetAccess");
    pieces.push_back(more);
    return true;
  }

  CUmemAllocationProp kind_{};
  size_t granularity_ = 0, room_ = 0;
  std::map<CUdeviceptr, std::vector<size_t>> segments_;  // by their beginnings: sizes of the consecutive mappings
};

class FixedMemory final : public DeviceMemory {
 public:
  using DeviceMemory::DeviceMemory;
  std::byte* take(size_t bytes) override {
    stream(device_);
    void* memory = nullptr;
    const cudaError_t status = cudaMalloc(&memory, bytes);
    if (status == cudaErrorMemoryAllocation) {
      cudaGetLastError();  // it would be reported again
      return nullptr;
    }
    check(status, "cudaMalloc");
    return static_cast<std::byte*>(memory);
  }
  // cudaFree waits until the device no longer uses the memory.
  void give_back(std::byte* memory, size_t) noexcept override { cudaFree(memory); }
};

}  // namespace

// Where a device has no virtual memory management (some virtual GPUs), blocks cannot grow, and more is reserved than a
// dry run predicts. Under a sanitizer each tensor is a block of its own.
std::unique_ptr<MemorySource> memory_source(Device device) {
  stream(device);
  if (sanitized || !GrowingMemory::is_possible(device)) return std::make_unique<FixedMemory>(device);
  return std::make_unique<GrowingMemory>(device);
}

}  // namespace minissl::cuda
