#pragma once
#include "tensor/tensor.h"

/// The processes that share one run, each with its part of every batch.
///
/// Every process runs the same program on its own part, and all of them call the same collective operations in the same
/// order, with tensors of the same shapes and types: anything else is a deadlock. There is no root process and no
/// message between two of them.
namespace minissl {

class Group {
 public:
  Group() = default;
  virtual ~Group() = default;
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  virtual int rank() const = 0;  ///< this process, 0 to size() - 1
  virtual int size() const = 0;

  /// Overwrites x with the sum over all ranks of their x: the same bits on each. At size 1 it returns at once.
  void all_sum(const Tensor& x);
  /// (size * N, ...): the rows (N, ...) of all ranks, in the order of the ranks. At size 1 it returns x itself.
  Tensor all_gather_rows(const Tensor& x);

  /// The group of this process alone.
  static Group& single();
  /// The group that this thread's work is shared with: that of the innermost GroupScope, or single().
  static Group& current();

  // What a backend implements (MPI for tensors of the CPU, NCCL for those of GPUs). It is called at size > 1 only,
  // never in a dry run, and with defined, contiguous tensors. For tensors on a GPU it adds its work to the device's one
  // stream (tensor/cuda/runtime.h) and does not wait for it: the work may be recorded into a CUDA graph.

  /// Overwrites x with the sum. The order of addition follows from the size alone, for the same bits in each run.
  virtual void sum_over_ranks(const Tensor& x) = 0;
  /// Writes the rows of all ranks to y, those of rank r from row r * N on.
  virtual void gather_over_ranks(const Tensor& x, const Tensor& y) = 0;
};

/// While it lives, the group is this thread's current one. The group must outlive it, and the graphs recorded in it:
/// backward communicates in the group that the forward pass did.
class GroupScope {
 public:
  explicit GroupScope(Group& group) : previous_(active_) { active_ = &group; }
  ~GroupScope() { active_ = previous_; }
  GroupScope(const GroupScope&) = delete;
  GroupScope& operator=(const GroupScope&) = delete;
  static Group* active() { return active_; }

 private:
  Group* previous_;
  static inline thread_local Group* active_ = nullptr;
};

}  // namespace minissl
