#pragma once
#include <chrono>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "tensor/members.h"
#include "tensor/tensor.h"

/// What some work consists of: the time, arithmetic and memory traffic of every operation that it runs.
namespace minissl {

namespace cuda {
class Timeline;
}

/// While it lives, run() reports every operation of this thread to it. Operations that another operation runs count as
/// part of that one. Those on a GPU are timed by the device's clock, and the host does not wait for it before events()
/// is called.
class Profile {
 public:
  struct Event {
    const char* operation;
    std::string shapes;  ///< of the tensors, in the order of the operation's struct; with the type where it isn't f32
    double start, seconds;  ///< since the profile began; of the device's work for an operation on a GPU
    double flops;   ///< multiplications and additions by definition, whatever algorithm was used; 0 where not counted
    int64_t bytes;  ///< of all tensors, each read or written once: the minimum traffic
  };

  Profile();
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;
  static Profile* active() { return active_; }

  /// Calls `work`, which does what `op` says, and records it.
  template <class Op, class Work>
  void record(const Op& op, Work&& work);
  /// Discards the events so far.
  void clear();
  /// In the order in which the operations were called. Waits for the GPUs that had some.
  const std::vector<Event>& events();
  /// Seconds since the profile began.
  double seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Pause {
    explicit Pause(Profile& p) : profile(p) { active_ = nullptr; }
    ~Pause() { active_ = &profile; }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;
    Profile& profile;
  };

  // Operations on a GPU whose times are not known yet.
  struct OnDevice {
    struct Measured {
      size_t event, first_mark, last_mark;
    };
    Device device;
    std::unique_ptr<cuda::Timeline> timeline;
    double begin;  // of the timeline
    std::vector<Measured> pending{};
  };
  OnDevice* on_device(Device device);
  static size_t mark(OnDevice& device);

  Profile* previous_;
  Clock::time_point begin_ = Clock::now();
  std::vector<Event> events_;
  std::vector<std::unique_ptr<OnDevice>> devices_;
  static inline thread_local Profile* active_ = nullptr;
};

/// Events in the Trace Event Format, which chrome://tracing and ui.perfetto.dev open.
void write_trace(std::ostream& out, const std::vector<Profile::Event>& events);

namespace detail {

void add_tensor(Profile::Event& event, const Tensor& t);
template <class Other>
void add_tensor(Profile::Event& event, const Other& other) {
  if constexpr (requires { Other::holds_tensors; })
    std::apply([&](const auto&... member) { (add_tensor(event, member), ...); }, members_of(other));
}

}  // namespace detail

template <class Op, class Work>
void Profile::record(const Op& op, Work&& work) {
  OnDevice* device = on_device(op.dispatch().device());
  Event event{Op::name, {}, seconds(), 0, 0, 0};
  const size_t first_mark = device ? mark(*device) : 0;
  {
    const Pause pause(*this);
    work();
  }
  if (device)
    device->pending.push_back({events_.size(), first_mark, mark(*device)});
  else
    event.seconds = seconds() - event.start;
  if constexpr (requires { op.flops(); }) event.flops = op.flops();
  std::apply([&](const auto&... member) { (detail::add_tensor(event, member), ...); }, members_of(op));
  events_.push_back(std::move(event));
}

}  // namespace minissl
