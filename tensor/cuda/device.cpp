#include "tensor/cuda/device.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <mutex>

#include "tensor/cuda/graph.h"
#include "tensor/cuda/pinned.h"
#include "tensor/cuda/runtime.h"
#include "tensor/tensor.h"

namespace minissl::cuda {
namespace {

// Copies from the host to a device go through a ring of pinned memory, some parts of which are filled while others are
// being copied. The host can go on at once, and change the memory it copied from. It waits only when it is a whole ring
// ahead, which is more than the small copies of a training step.
class Upload {
 public:
  explicit Upload(Device device) {
    for (auto& slot : ring_) slot = std::make_unique<Slot>(device);
  }
  void copy(std::byte* to, const std::byte* from, size_t bytes, cudaStream_t stream) {
    const std::lock_guard lock(mutex_);
    for (size_t done = 0; done < bytes; done += slot_bytes) {
      const size_t part = std::min(slot_bytes, bytes - done);
      Slot& slot = *ring_[next_];
      next_ = (next_ + 1) % slots;
      slot.arrived.wait();
      std::memcpy(slot.memory.get(), from + done, part);
      check(cudaMemcpyAsync(to + done, slot.memory.get(), part, cudaMemcpyDefault, stream), "cudaMemcpy");
      slot.arrived.set();
    }
  }

 private:
  static constexpr size_t slot_bytes = size_t{1} << 20, slots = 16;
  struct Slot {
    explicit Slot(Device device) : memory(device, slot_bytes), arrived(device) {}
    PinnedMemory memory;
    Marker arrived;
  };
  std::array<std::unique_ptr<Slot>, slots> ring_;
  size_t next_ = 0;
  std::mutex mutex_;
};

// State of each device, created when it is first used, which lives as long as the process.
struct State {
  std::once_flag once;
  cudaStream_t stream = nullptr;
  void* scratch = nullptr;
  std::mutex scratch_mutex;
  std::once_flag upload_once;
  std::unique_ptr<Upload> upload;
};

State& state_of(Device device) {
  static auto& states = *new std::deque<State>(static_cast<size_t>(device_count()));
  require(device.type == DeviceType::cuda && device.index >= 0 && static_cast<size_t>(device.index) < states.size(),
          "there is no {}: {}", device, states.empty() ? why_none() : fmt::format("{} GPUs", states.size()));
  State& state = states[static_cast<size_t>(device.index)];
  check(cudaSetDevice(device.index), "cudaSetDevice");
  std::call_once(state.once, [&] {
    check(cudaStreamCreateWithFlags(&state.stream, cudaStreamNonBlocking), "cudaStreamCreate");
    check(cudaMalloc(&state.scratch, Scratch::bytes), "cudaMalloc of the scratch memory");
  });
  return state;
}

Upload& upload_to(Device device) {
  State& state = state_of(device);
  std::call_once(state.upload_once, [&] { state.upload = std::make_unique<Upload>(device); });
  return *state.upload;
}

void require_no_recording(Device device) {
  require(!Graph::recording(), "the host can't wait for {} within a CUDA graph", device);
}

}  // namespace

int device_count() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

std::string why_none() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  cudaGetLastError();
  if (status != cudaSuccess) return fmt::format("no usable GPU ({})", cudaGetErrorString(status));
  return count == 0 ? "no GPU was found" : "";
}

DeviceProperties properties(Device device) {
  stream(device);
  cudaDeviceProp p{};
  check(cudaGetDeviceProperties(&p, device.index), "cudaGetDeviceProperties");
  size_t free_memory = 0, memory = 0;
  check(cudaMemGetInfo(&free_memory, &memory), "cudaMemGetInfo");
  return {p.name, static_cast<int64_t>(memory), static_cast<int64_t>(free_memory), p.multiProcessorCount, p.major,
          p.minor};
}

cudaStream_t stream(Device device) { return state_of(device).stream; }

Scratch::Scratch(Device device) : lock_(state_of(device).scratch_mutex), memory_(state_of(device).scratch) {}

void copy(const Tensor& from, const Tensor& to) {
  const Device source = from.device(), target = to.device();
  const auto bytes = static_cast<size_t>(from.bytes());
  if (source.type == DeviceType::cpu) {
    require(!Graph::recording(), "a copy of {} from the host can't be part of a CUDA graph", from);
    return upload_to(target).copy(to.bytes_begin(), from.bytes_begin(), bytes, stream(target));
  }
  // Two GPUs do not wait for each other's streams, and neither can access the other's memory.
  if (source.type == DeviceType::cuda && target.type == DeviceType::cuda && source != target)
    return copy(from.to(Device{}), to);
  const Device worker = target.type == DeviceType::cuda ? target : source;
  if (target.type == DeviceType::cpu) require_no_recording(worker);
  check(cudaMemcpyAsync(to.bytes_begin(), from.bytes_begin(), bytes, cudaMemcpyDefault, stream(worker)), "cudaMemcpy");
  if (target.type == DeviceType::cpu) synchronize(worker);
}

void copy_to_host(const Tensor& from, std::byte* pinned) {
  check(cudaMemcpyAsync(pinned, from.bytes_begin(), static_cast<size_t>(from.bytes()), cudaMemcpyDefault,
                        stream(from.device())),
        "cudaMemcpy");
}

void synchronize(Device device) {
  require_no_recording(device);
  check(cudaStreamSynchronize(stream(device)), "work on the device");
}

}  // namespace minissl::cuda
