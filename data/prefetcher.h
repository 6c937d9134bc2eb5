#pragma once
#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "tensor/parallel.h"
#include "tensor/threads.h"

namespace minissl {

/// Prepares batches ahead of time on its own threads, one job per item, and returns them in order. At most `prefetch`
/// batches are in progress or waiting at any time, not counting those already returned. The constructor throws Error if
/// the system has no threads for the workers.
template <class Batch>
class Prefetcher {
 public:
  struct Opened {
    Batch batch;
    int64_t items = 0;
  };
  /// The next batch, unfilled; nullopt if there are no more. Called from any worker, but never concurrently.
  using Open = std::function<std::optional<Opened>()>;
  /// Fills item i. Called concurrently with different items.
  using Fill = std::function<void(Batch&, int64_t i)>;

  Prefetcher(int workers, int prefetch, Open open, Fill fill)
      : prefetch_(static_cast<size_t>(std::max(prefetch, 1))), open_(std::move(open)), fill_(std::move(fill)) {
    threads_.reserve(static_cast<size_t>(std::max(workers, 1)));
    try {
      for (int i = 0; i < std::max(workers, 1); ++i)
        threads_.push_back(start_thread("to load images", [this] { work(); }));
    } catch (...) {
      stop();
      throw;
    }
  }
  ~Prefetcher() { stop(); }
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  /// The next batch; nullopt after the last. Rethrows an exception of a worker that was filling that batch, on this
  /// call and on every later one; one of opening a batch when all batches before it were returned.
  std::optional<Batch> next() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return slots_.empty() ? finished_ : slots_.front().done == slots_.front().items; });
    if (slots_.empty()) {
      if (open_error_) std::rethrow_exception(open_error_);
      return std::nullopt;
    }
    Slot& slot = slots_.front();
    if (slot.error) std::rethrow_exception(slot.error);
    std::optional<Batch> batch(std::move(slot.batch));
    slots_.pop_front();
    lock.unlock();
    job_.notify_all();
    return batch;
  }

 private:
  struct Slot {
    Batch batch{};
    int64_t items = 0, claimed = 0, done = 0;
    std::exception_ptr error;
  };

  // A slot with an unclaimed item, opening a new one if there is room. The mutex must be held.
  Slot* slot_with_work() {
    for (Slot& slot : slots_)
      if (slot.claimed < slot.items) return &slot;
    if (finished_ || slots_.size() >= prefetch_) return nullptr;
    try {
      if (auto opened = open_()) {
        slots_.emplace_back();
        slots_.back().batch = std::move(opened->batch), slots_.back().items = opened->items;
        return &slots_.back();
      }
    } catch (...) {
      open_error_ = std::current_exception();
    }
    finished_ = true;
    ready_.notify_all();
    return nullptr;
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    job_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

  void work() {
    flush_denormals();
    std::unique_lock lock(mutex_);
    for (;;) {
      Slot* slot = nullptr;
      job_.wait(lock, [&] { return stop_ || (slot = slot_with_work()); });
      if (stop_) return;
      const int64_t item = slot->claimed++;
      lock.unlock();
      std::exception_ptr error;
      try {
        fill_(slot->batch, item);  // the slot isn't moved or removed before it is done
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      if (error && !slot->error) slot->error = error;
      if (++slot->done == slot->items) ready_.notify_all();
    }
  }

  const size_t prefetch_;
  const Open open_;
  const Fill fill_;
  std::mutex mutex_;
  std::condition_variable job_, ready_;
  std::deque<Slot> slots_;  // references survive push_back and pop_front
  bool finished_ = false, stop_ = false;
  std::exception_ptr open_error_;
  std::vector<std::thread> threads_;
};

}  // namespace minissl
