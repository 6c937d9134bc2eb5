#pragma once
#include <array>
#include <csetjmp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace simulator {

/// The threads of one block, as fibers of one thread of the host. A fiber runs the block's threads to their ends one
/// after the other; only if one has to wait for others does a new fiber start with the next.
class Block {
 public:
  /// Runs thread() for `count` threads, with threadIdx set. Throws std::logic_error if they deadlock.
  void run(unsigned count, bool backward, const std::function<void()>& thread);

  /// Called by the thread whose turn it is.
  void wait_for_block();
  uint64_t exchange_in_warp(uint64_t bits, unsigned lane);

 private:
  static constexpr unsigned warp_threads = 32;

  // Opens when all threads that have not ended have arrived.
  struct Barrier {
    unsigned members = 0, arrived = 0;
    uint64_t generation = 0;
    void open_if_complete();
  };
  struct Warp {
    Barrier barrier;
    // Two buffers for consecutive exchanges, because slower threads still read the first while faster ones write the
    // second.
    std::array<std::array<uint64_t, warp_threads>, 2> values;
  };
  struct Fiber {
    std::unique_ptr<std::byte[]> stack;
    bool started = false;
    std::jmp_buf position;       // where it resumes
    Barrier* barrier = nullptr;  // on which it waits
    uint64_t generation = 0;
    unsigned thread = 0;
  };

  static void fiber_main();
  void run_threads();
  void wait(Barrier& barrier);
  void resume(Fiber& fiber);
  void leave();

  unsigned count_ = 0, next_ = 0;
  bool backward_ = false;
  const std::function<void()>* thread_ = nullptr;
  Barrier block_;
  std::vector<Warp> warps_;
  std::vector<std::unique_ptr<Fiber>> idle_;
  std::deque<std::unique_ptr<Fiber>> waiting_;
  Fiber* current_ = nullptr;
  bool current_waits_ = false;
  std::jmp_buf scheduler_;
};

}  // namespace simulator
