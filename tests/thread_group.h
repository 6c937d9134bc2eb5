#pragma once
#include <barrier>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include "tensor/group.h"

namespace minissl {

/// A Group whose ranks are threads of one process, for tests. Sums go over the ranks in order, so results have the same
/// bits on each rank and in each run.
class ThreadGroup {
 public:
  /// Calls f(rank) on `size` threads, each within the GroupScope of its rank, and waits for all of them. Rethrows the
  /// first exception.
  static void run(int size, const std::function<void(int rank)>& f) {
    ThreadGroup group(size);
    std::vector<std::exception_ptr> errors(static_cast<size_t>(size));
    std::vector<std::thread> threads;
    for (int r = 0; r < size; ++r)
      threads.emplace_back([&, r] {
        Member member(group, r);
        const GroupScope scope(member);
        try {
          f(r);
        } catch (...) {
          errors[static_cast<size_t>(r)] = std::current_exception();
        }
        // The others must not wait for a rank that is done or has failed.
        group.barrier_.arrive_and_drop();
      });
    for (std::thread& thread : threads) thread.join();
    for (const std::exception_ptr& error : errors)
      if (error) std::rethrow_exception(error);
  }

 private:
  class Member : public Group {
   public:
    Member(ThreadGroup& group, int rank) : group_(group), rank_(rank) {}
    int rank() const override { return rank_; }
    int size() const override { return static_cast<int>(group_.brought_.size()); }

    void sum_over_ranks(const Tensor& x) override {
      const std::vector<Tensor>& brought = group_.bring(rank_, x);
      const Tensor sum = Tensor::zeros_like(x);
      visit_arithmetic(x.dtype(), [&](auto type) {
        using T = decltype(type);
        T* to = sum.mutable_data<T>();
        for (const Tensor& t : brought)
          for (int64_t i = 0; i < x.numel(); ++i) to[i] += t.data<T>()[i];
      });
      group_.barrier_.arrive_and_wait();  // all have read
      x.copy_from(sum);
    }

    void gather_over_ranks(const Tensor& x, const Tensor& y) override {
      const std::vector<Tensor>& brought = group_.bring(rank_, x);
      for (int64_t r = 0; r < size(); ++r)
        y.rows(r * x.dim(0), (r + 1) * x.dim(0)).copy_from(brought[static_cast<size_t>(r)]);
      group_.barrier_.arrive_and_wait();
    }

   private:
    ThreadGroup& group_;
    int rank_;
  };

  explicit ThreadGroup(int size) : barrier_(size), brought_(static_cast<size_t>(size)) {}

  // Returns the tensors of all ranks.
  const std::vector<Tensor>& bring(int rank, const Tensor& x) {
    brought_[static_cast<size_t>(rank)] = x;
    barrier_.arrive_and_wait();
    return brought_;
  }

  std::barrier<> barrier_;
  std::vector<Tensor> brought_;
};

}  // namespace minissl
