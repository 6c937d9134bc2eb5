#pragma once
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace minissl {

/// The threads that share the parts of one operation: the caller and some that wait for it.
///
/// A thread takes the next part when it has finished one, and the caller doesn't wait for threads that have not taken
/// any. On a busy machine threads get the processor at different times; a thread that loses it delays only the part
/// that it is computing. A waiting thread spins for about as long as the pauses between operations, then sleeps,
/// because a thread that spins keeps a core from the thread that it waits for.
class ThreadTeam {
 public:
  /// Computes part p. Parts in the same slot are never computed at the same time. May not throw.
  using Part = void (*)(void* context, int64_t slot, int64_t p);

  /// The team of this process. Its threads live as long as the process does.
  static ThreadTeam& instance();

  /// The threads, the caller included.
  int size() const { return size_; }
  /// Sets the number of threads, the caller included. Returns the number that there are now, which is smaller if the
  /// system refuses to start more. Must not be called during run().
  int resize(int size);

  /// Computes the parts [0, parts), in slots [0, slots), and returns when all are done. Where the team is at work
  /// already, for another thread or for a part that calls this, the caller computes them alone, in slot 0.
  void run(int64_t parts, int64_t slots, Part part, void* context);

  /// Whether the calling thread computes a part now: it has no team then.
  static bool at_work();

 private:
  ThreadTeam() = default;
  void work(int number);
  bool join();
  void leave();
  void take_parts(int64_t slot);
  template <class Condition>
  bool spin_until(Condition&& condition) const;

  static constexpr uint32_t open = uint32_t{1} << 31;  // in state_: threads may still join

  // The work. Written before threads may join, read by those that did.
  Part part_ = nullptr;
  void* context_ = nullptr;
  int64_t parts_ = 0, slots_ = 0;
  std::atomic<int64_t> next_part_{0}, next_slot_{0};

  std::atomic<uint32_t> state_{0};  // the threads that joined, and `open`
  std::atomic<uint32_t> begun_{0};  // pieces of work so far; waiting threads sleep on it
  std::atomic<bool> taken_{false};  // by a caller of run()
  std::atomic<int> size_{1};
  std::atomic<bool> spin_{true};
  std::vector<std::thread> threads_;
};

}  // namespace minissl
