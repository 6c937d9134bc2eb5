#include "tensor/cuda/device.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <mutex>

#include "tensor/cuda/runtime.h"
#include "tensor/tensor.h"

namespace minissl::cuda {
namespace {

// The way from the host to a device: pinned memory in two halves, of which one is filled while the other is on its way.
// The host may go on, and change what it has copied from, at once.
class Upload {
 public:
  Upload() {
    for (Half& half : halves_) {
      check(cudaMallocHost(&half.memory, half_bytes), "cudaMallocHost");
      check(cudaEventCreateWithFlags(&half.arrived, cudaEventDisableTiming), "cudaEventCreate");
    }
  }
  void copy(std::byte* to, const std::byte* from, size_t bytes, cudaStream_t stream) {
    const std::lock_guard lock(mutex_);
    for (size_t done = 0; done < bytes; done += half_bytes) {
      const size_t part = std::min(half_bytes, bytes - done);
      std::swap(halves_[0], halves_[1]);
      check(cudaEventSynchronize(halves_[0].arrived), "an earlier copy to the device");
      std::memcpy(halves_[0].memory, from + done, part);
      check(cudaMemcpyAsync(to + done, halves_[0].memory, part, cudaMemcpyDefault, stream), "cudaMemcpy");
      check(cudaEventRecord(halves_[0].arrived, stream), "cudaEventRecord");
    }
  }

 private:
  static constexpr size_t half_bytes = size_t{8} << 20;
  struct Half {
    void* memory = nullptr;
    cudaEvent_t arrived = nullptr;
  };
  Half halves_[2];
  std::mutex mutex_;
};

// What lives as long as the process, for each device; made when it is first used.
struct State {
  std::once_flag once;
  cudaStream_t stream = nullptr;
  void* scratch = nullptr;
  std::mutex scratch_mutex;
  std::unique_ptr<Upload> upload;
};

State& state_of(Device device) {
  static auto& states = *new std::deque<State>(static_cast<size_t>(device_count()));
  require(device.type == DeviceType::cuda && device.index >= 0 && static_cast<size_t>(device.index) < states.size(),
          "there is no {}: {}", device.str(), states.empty() ? why_none() : fmt::format("{} GPUs", states.size()));
  State& state = states[static_cast<size_t>(device.index)];
  check(cudaSetDevice(device.index), "cudaSetDevice");
  std::call_once(state.once, [&] {
    check(cudaStreamCreateWithFlags(&state.stream, cudaStreamNonBlocking), "cudaStreamCreate");
    check(cudaMalloc(&state.scratch, Scratch::bytes), "cudaMalloc of the scratch memory");
    state.upload = std::make_unique<Upload>();
  });
  return state;
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
  if (source.type == DeviceType::cpu)
    return state_of(target).upload->copy(to.bytes_begin(), from.bytes_begin(), bytes, stream(target));
  // Two GPUs don't wait for each other's streams, and neither may touch the other's memory.
  if (source.type == DeviceType::cuda && target.type == DeviceType::cuda && source != target)
    return copy(from.to(Device{}), to);
  const Device worker = target.type == DeviceType::cuda ? target : source;
  check(cudaMemcpyAsync(to.bytes_begin(), from.bytes_begin(), bytes, cudaMemcpyDefault, stream(worker)), "cudaMemcpy");
  if (target.type == DeviceType::cpu) synchronize(worker);
}

void synchronize(Device device) { check(cudaStreamSynchronize(stream(device)), "work on the device"); }

}  // namespace minissl::cuda
