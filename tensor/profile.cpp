#include "tensor/profile.h"

#include <fmt/ostream.h>
#include <ostream>

#include "tensor/cuda/device.h"

namespace minissl {

Profile::Profile() : previous_(active_) { active_ = this; }
Profile::~Profile() { active_ = previous_; }

void Profile::clear() {
  events_.clear();
  devices_.clear();
}

// Null for the CPU, where an operation is finished when its call returns.
Profile::OnDevice* Profile::on_device(Device device) {
  if (device.type == DeviceType::cpu) return nullptr;
  for (const auto& known : devices_)
    if (known->device == device) return known.get();
  auto timeline = cuda::timeline(device);
  return devices_.emplace_back(new OnDevice{device, std::move(timeline), seconds()}).get();
}

size_t Profile::mark(OnDevice& device) { return device.timeline->mark(); }

const std::vector<Profile::Event>& Profile::events() {
  for (const auto& device : devices_) {
    if (device->pending.empty()) continue;
    const std::vector<double> reached = device->timeline->seconds();
    for (const OnDevice::Measured& m : device->pending) {
      events_[m.event].start = device->begin + reached[m.first_mark];
      events_[m.event].seconds = reached[m.last_mark] - reached[m.first_mark];
    }
    device->pending.clear();
  }
  return events_;
}

void detail::add_tensor(Profile::Event& event, const Tensor& t) {
  if (!t.defined()) return;
  if (!event.shapes.empty()) event.shapes += ' ';
  event.shapes += t.dtype() == DType::f32 ? t.shape().str() : t.str();
  event.bytes += t.bytes();
}

void write_trace(std::ostream& out, const std::vector<Profile::Event>& events) {
  out << "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";
  const char* separator = "\n";
  // For no elements a GPU launches nothing, which takes no time.
  const auto rate = [](double amount, double seconds) { return seconds > 0 ? amount / seconds * 1e-9 : 0; };
  for (const Profile::Event& e : events) {
    fmt::print(out,
               R"({}{{"name":"{}","ph":"X","pid":1,"tid":1,"ts":{:.3f},"dur":{:.3f},)"
               R"("args":{{"shapes":"{}","gflops_per_s":{:.1f},"gb_per_s":{:.1f}}}}})",
               separator, e.operation, e.start * 1e6, e.seconds * 1e6, e.shapes, rate(e.flops, e.seconds),
               rate(static_cast<double>(e.bytes), e.seconds));
    separator = ",\n";
  }
  out << "\n]}\n";
}

}  // namespace minissl
