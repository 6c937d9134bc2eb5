#include <vector>

#include "tensor/cuda/device.h"
#include "tensor/cuda/runtime.h"

namespace minissl::cuda {
namespace {

class EventTimeline final : public Timeline {
 public:
  explicit EventTimeline(Device device) : device_(device) {
    synchronize(device);
    mark();
  }
  ~EventTimeline() override {
    for (cudaEvent_t event : events_) cudaEventDestroy(event);
  }
  EventTimeline(const EventTimeline&) = delete;
  EventTimeline& operator=(const EventTimeline&) = delete;

  size_t mark() final {
    const cudaStream_t where = stream(device_);
    cudaEvent_t event = nullptr;
    check(cudaEventCreateWithFlags(&event, cudaEventDefault), "cudaEventCreate");
    events_.push_back(event);
    check(cudaEventRecord(event, where), "cudaEventRecord");
    return events_.size() - 1;
  }

  // From one mark to the next: a float of milliseconds is precise enough for an operation, but not for a minute.
  std::vector<double> seconds() override {
    synchronize(device_);
    std::vector<double> since_first{0};
    for (size_t i = 1; i < events_.size(); ++i) {
      float milliseconds = 0;
      check(cudaEventElapsedTime(&milliseconds, events_[i - 1], events_[i]), "cudaEventElapsedTime");
      since_first.push_back(since_first.back() + 1e-3 * static_cast<double>(milliseconds));
    }
    return since_first;
  }

 private:
  Device device_;
  std::vector<cudaEvent_t> events_;
};

}  // namespace

std::unique_ptr<Timeline> timeline(Device device) { return std::make_unique<EventTimeline>(device); }

}  // namespace minissl::cuda
