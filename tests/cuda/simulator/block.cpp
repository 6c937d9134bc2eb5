#include "tests/cuda/simulator/block.h"

#include <algorithm>
#include <stdexcept>
#include <ucontext.h>
#include <utility>

#include "tests/cuda/simulator/cuda_runtime.h"

namespace simulator {
namespace {

constexpr size_t stack_bytes = size_t{256} << 10;
thread_local Block* starting = nullptr;  // makecontext can't hand over a pointer

}  // namespace

void Block::Barrier::open_if_complete() {
  if (members == 0 || arrived < members) return;
  arrived = 0;
  ++generation;
}

void Block::run(unsigned count, bool backward, const std::function<void()>& thread) {
  count_ = count;
  next_ = 0;
  backward_ = backward;
  thread_ = &thread;
  block_ = {count};
  warps_.resize((count + warp_threads - 1) / warp_threads);
  for (Warp& warp : warps_) warp.barrier = {};
  for (unsigned t = 0; t < count; ++t) ++warps_[t / warp_threads].barrier.members;
  while (next_ < count || !waiting_.empty()) {
    std::unique_ptr<Fiber> fiber;
    if (next_ < count) {
      if (idle_.empty()) {
        idle_.push_back(std::make_unique<Fiber>());
        idle_.back()->stack = std::make_unique_for_overwrite<std::byte[]>(stack_bytes);
      }
      fiber = std::move(idle_.back());
      idle_.pop_back();
    } else {
      const auto may_go = [](const auto& f) { return f->barrier->generation != f->generation; };
      const auto found = std::find_if(waiting_.begin(), waiting_.end(), may_go);
      if (found == waiting_.end()) throw std::logic_error("simulated CUDA: threads of a block wait for each other");
      fiber = std::move(*found);
      waiting_.erase(found);
    }
    resume(*fiber);
    (current_waits_ ? static_cast<void>(waiting_.push_back(std::move(fiber))) : idle_.push_back(std::move(fiber)));
  }
}

// Returns when the fiber waits or is done.
void Block::resume(Fiber& fiber) {
  current_ = &fiber;
  if (_setjmp(scheduler_) != 0) return;
  threadIdx = {fiber.thread, 0, 0};
  // Contexts are used only to start: switching them costs a system call.
  if (std::exchange(fiber.started, true)) _longjmp(fiber.position, 1);
  ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = fiber.stack.get();
  context.uc_stack.ss_size = stack_bytes;
  context.uc_link = nullptr;
  makecontext(&context, fiber_main, 0);
  starting = this;
  setcontext(&context);
}

// Back to the scheduler, until it resumes this fiber.
void Block::leave() {
  if (_setjmp(current_->position) == 0) _longjmp(scheduler_, 1);
}

void Block::fiber_main() { starting->run_threads(); }

void Block::run_threads() {
  for (;;) {
    while (next_ < count_) {
      const unsigned thread = backward_ ? count_ - 1 - next_ : next_;
      ++next_;
      current_->thread = thread;
      threadIdx = {thread, 0, 0};
      (*thread_)();
      for (Barrier* b : {&block_, &warps_[thread / warp_threads].barrier}) {
        --b->members;
        b->open_if_complete();
      }
    }
    current_waits_ = false;
    leave();
  }
}

void Block::wait(Barrier& barrier) {
  Fiber& fiber = *current_;
  fiber.barrier = &barrier;
  fiber.generation = barrier.generation;
  ++barrier.arrived;
  barrier.open_if_complete();
  if (barrier.generation != fiber.generation) return;
  current_waits_ = true;
  leave();
}

void Block::wait_for_block() { wait(block_); }

uint64_t Block::exchange_in_warp(uint64_t bits, unsigned lane) {
  const unsigned own = current_->thread % warp_threads;
  Warp& warp = warps_[current_->thread / warp_threads];
  auto& values = warp.values[warp.barrier.generation % 2];
  values[own] = bits;
  wait(warp.barrier);
  return values[lane < warp_threads ? lane : own];
}

}  // namespace simulator
