#include <map>
#include <mutex>
#include <string>
#include <sys/mman.h>

#include "tests/cuda/simulator/cuda.h"
#include "tests/cuda/simulator/simulator.h"

// Reserved addresses are the host's, without access; mapped memory with access can be used, and touching anything else
// ends the program. Calls that the driver would refuse are refused.
namespace {

constexpr size_t granularity = size_t{2} << 20;

struct Allocation {
  int device;
  size_t size;
  bool released, mapped;
};
struct Mapping {
  size_t size;
  CUmemGenericAllocationHandle memory;
};
struct State {
  std::mutex mutex;
  bool supported = true;
  std::map<CUdeviceptr, size_t> ranges;
  std::map<CUmemGenericAllocationHandle, Allocation> allocations;
  std::map<CUdeviceptr, Mapping> mappings;
  CUmemGenericAllocationHandle next = 1;
};
State& state() {
  static auto& instance = *new State;
  return instance;
}

void* address(CUdeviceptr number) { return reinterpret_cast<void*>(number); }

// The map's entry whose addresses include [begin, begin + size), or map.end() if there is none.
template <class Map, class Size>
auto containing(Map& map, CUdeviceptr begin, size_t size, Size size_of) {
  auto it = map.upper_bound(begin);
  if (it == map.begin()) return map.end();
  --it;
  return begin + size <= it->first + size_of(it->second) ? it : map.end();
}

void free_if_unused(std::map<CUmemGenericAllocationHandle, Allocation>::iterator allocation) {
  const Allocation& a = allocation->second;
  if (!a.released || a.mapped) return;
  simulator::give_memory(a.device, a.size);
  state().allocations.erase(allocation);
}

}  // namespace

void simulator::support_virtual_memory(bool supported) { state().supported = supported; }

bool simulator::is_mapped(const void* place) {
  const std::lock_guard lock(state().mutex);
  return containing(state().mappings, reinterpret_cast<CUdeviceptr>(place), 1,
                    [](const Mapping& mapping) { return mapping.size; }) != state().mappings.end();
}

CUresult cuGetErrorString(CUresult status, const char** text) {
  *text = status == CUDA_SUCCESS               ? "no error"
          : status == CUDA_ERROR_OUT_OF_MEMORY ? "out of memory"
                                               : "invalid argument";
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute, CUdevice) {
  *value = state().supported;
  return CUDA_SUCCESS;
}

CUresult cuMemGetAllocationGranularity(size_t* size, const CUmemAllocationProp*, CUmemAllocationGranularity_flags) {
  *size = granularity;
  return CUDA_SUCCESS;
}

CUresult cuMemAddressReserve(CUdeviceptr* begin, size_t size, size_t, CUdeviceptr, unsigned long long) {
  if (size == 0 || size % granularity != 0) return CUDA_ERROR_INVALID_VALUE;
  void* raw = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
  *begin = reinterpret_cast<CUdeviceptr>(raw);
  const std::lock_guard lock(state().mutex);
  state().ranges[*begin] = size;
  return CUDA_SUCCESS;
}

CUresult cuMemAddressFree(CUdeviceptr begin, size_t size) {
  const std::lock_guard lock(state().mutex);
  const auto range = state().ranges.find(begin);
  const auto mapping = state().mappings.lower_bound(begin);
  const bool in_use = mapping != state().mappings.end() && mapping->first < begin + size;
  if (range == state().ranges.end() || range->second != size || in_use) return CUDA_ERROR_INVALID_VALUE;
  state().ranges.erase(range);
  munmap(address(begin), size);
  return CUDA_SUCCESS;
}

CUresult cuMemCreate(CUmemGenericAllocationHandle* memory, size_t size, const CUmemAllocationProp* kind,
                     unsigned long long) {
  if (size == 0 || size % granularity != 0) return CUDA_ERROR_INVALID_VALUE;
  if (!simulator::take_memory(kind->location.id, size)) return CUDA_ERROR_OUT_OF_MEMORY;
  const std::lock_guard lock(state().mutex);
  *memory = state().next++;
  state().allocations[*memory] = {kind->location.id, size, false, false};
  return CUDA_SUCCESS;
}

CUresult cuMemRelease(CUmemGenericAllocationHandle memory) {
  const std::lock_guard lock(state().mutex);
  const auto allocation = state().allocations.find(memory);
  if (allocation == state().allocations.end() || allocation->second.released) return CUDA_ERROR_INVALID_VALUE;
  allocation->second.released = true;
  free_if_unused(allocation);
  return CUDA_SUCCESS;
}

CUresult cuMemMap(CUdeviceptr begin, size_t size, size_t offset, CUmemGenericAllocationHandle memory,
                  unsigned long long) {
  const std::lock_guard lock(state().mutex);
  const auto allocation = state().allocations.find(memory);
  const auto range = containing(state().ranges, begin, size, [](size_t s) { return s; });
  const auto next = state().mappings.lower_bound(begin);
  const auto previous = containing(state().mappings, begin, 1, [](const Mapping& m) { return m.size; });
  const bool taken =
      (next != state().mappings.end() && next->first < begin + size) || previous != state().mappings.end();
  if (allocation == state().allocations.end() || allocation->second.mapped || allocation->second.size != size ||
      offset != 0 || range == state().ranges.end() || taken)
    return CUDA_ERROR_INVALID_VALUE;
  allocation->second.mapped = true;
  state().mappings[begin] = {size, memory};
  return CUDA_SUCCESS;
}

CUresult cuMemUnmap(CUdeviceptr begin, size_t size) {
  const std::lock_guard lock(state().mutex);
  const auto mapping = state().mappings.find(begin);
  if (mapping == state().mappings.end() || mapping->second.size != size) return CUDA_ERROR_INVALID_VALUE;
  mmap(address(begin), size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  const auto allocation = state().allocations.find(mapping->second.memory);
  allocation->second.mapped = false;
  free_if_unused(allocation);
  state().mappings.erase(mapping);
  return CUDA_SUCCESS;
}

CUresult cuMemSetAccess(CUdeviceptr begin, size_t size, const CUmemAccessDesc*, size_t) {
  const std::lock_guard lock(state().mutex);
  if (containing(state().mappings, begin, size, [](const Mapping& m) { return m.size; }) == state().mappings.end())
    return CUDA_ERROR_INVALID_VALUE;
  mprotect(address(begin), size, PROT_READ | PROT_WRITE);
  return CUDA_SUCCESS;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** function, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult* result) {
#define MINISSL_DRIVER_FUNCTION(function) \
  { #function, reinterpret_cast < void*>(function) }
  static const std::map<std::string, void*> functions{
      MINISSL_DRIVER_FUNCTION(cuGetErrorString),    MINISSL_DRIVER_FUNCTION(cuDeviceGetAttribute),
      MINISSL_DRIVER_FUNCTION(cuMemAddressReserve), MINISSL_DRIVER_FUNCTION(cuMemGetAllocationGranularity),
      MINISSL_DRIVER_FUNCTION(cuMemAddressFree),    MINISSL_DRIVER_FUNCTION(cuMemCreate),
      MINISSL_DRIVER_FUNCTION(cuMemRelease),        MINISSL_DRIVER_FUNCTION(cuMemMap),
      MINISSL_DRIVER_FUNCTION(cuMemUnmap),          MINISSL_DRIVER_FUNCTION(cuMemSetAccess)};
#undef MINISSL_DRIVER_FUNCTION
  const auto found = functions.find(name);
  *result = found == functions.end() ? cudaDriverEntryPointSymbolNotFound : cudaDriverEntryPointSuccess;
  *function = found == functions.end() ? nullptr : found->second;
  return cudaSuccess;
}
